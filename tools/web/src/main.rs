//! Makes the viewer's page of the compiled library, and serves it on this machine.

use agf_web::serve;
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: agf-web bundle LIBRARY.wasm FOLDER
       agf-web serve FOLDER";

/// Where the page is served.
const PORT: u16 = 8080;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["bundle", library, folder] => bundle(library, folder),
        ["serve", folder] => offer(folder),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Writes JavaScript and WebAssembly for a page.
fn bundle(library: &str, folder: &str) -> Result<(), String> {
    let mut glue = wasm_bindgen_cli_support::Bindgen::new();
    let made = glue.input_path(library).web(true).and_then(|glue| {
        glue.typescript(false).remove_name_section(true).remove_producers_section(true).generate(folder)
    });
    made.map_err(|error| format!("{library} cannot be made a page in {folder}: {error:#}"))
}

fn offer(folder: &str) -> Result<(), String> {
    let server = serve(Path::new(folder).to_owned(), PORT, |_, _| {});
    let server = server.map_err(|error| format!("port {PORT} cannot be used: {error}"))?;
    println!("http://localhost:{}/ (Ctrl-C ends it)", server.port());
    server.join();
    Ok(())
}
