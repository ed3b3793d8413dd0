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
    made.map_err(|error| format!("{library} cannot be made a page in {folder}: {error:#}"))?;
    let file = Path::new(folder).join(Path::new(library).with_extension("js").file_name().unwrap_or_default());
    let shorten = || std::fs::write(&file, shortened(&std::fs::read_to_string(&file)?));
    shorten().map_err(|error| format!("{} cannot be shortened: {error}", file.display()))
}

/// JavaScript without the lines that are comments, and without indentation: a quarter of what is generated. A script
/// with texts over several lines stays as it is.
fn shortened(script: &str) -> String {
    let mut lines = Vec::new();
    let mut is_comment = false;
    for line in script.lines().map(str::trim) {
        is_comment |= line.starts_with("/*");
        if !is_comment && !line.is_empty() && !line.starts_with("//") {
            lines.push(line);
        }
        is_comment &= !line.ends_with("*/");
    }
    let goes_on = |line: &&str| line.matches('`').count() % 2 == 1;
    if lines.iter().any(goes_on) { script.to_owned() } else { lines.join("\n") }
}

fn offer(folder: &str) -> Result<(), String> {
    let server = serve(Path::new(folder).to_owned(), PORT, |_, _| {});
    let server = server.map_err(|error| format!("port {PORT} cannot be used: {error}"))?;
    println!("http://localhost:{}/ (Ctrl-C ends it)", server.port());
    server.join();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn comments_and_indentation_go() {
        let script = "/**\n * Adds.\n */\nfunction add(a, b) {\n    // both\n    return a + b; // at once\n}\n";
        assert_eq!(shortened(script), "function add(a, b) {\nreturn a + b; // at once\n}");
        let text = "const text = `one\n    // two`;";
        assert_eq!(shortened(text), text);
    }
}
