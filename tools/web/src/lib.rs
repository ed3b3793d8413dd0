//! A server of static files for this machine alone.

use std::fs;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use tiny_http::{Header, Method, Request, Response, Server};

/// A server that runs until it is dropped or the program ends.
pub struct Running {
    server: Arc<Server>,
    thread: Option<JoinHandle<()>>,
}

/// Serves the files of a folder, on this machine's loopback alone; port 0 takes a free one. `seen` is told of every
/// request: its path, and its body where something is posted.
///
/// # Errors
/// Where the port cannot be used.
pub fn serve(folder: PathBuf, port: u16, seen: impl Fn(&str, &[u8]) + Send + 'static) -> io::Result<Running> {
    let server = Arc::new(Server::http(("127.0.0.1", port)).map_err(io::Error::other)?);
    let requests = server.clone();
    let thread = std::thread::spawn(move || {
        for request in requests.incoming_requests() {
            answer(request, &folder, &seen);
        }
    });
    Ok(Running { server, thread: Some(thread) })
}

impl Running {
    /// The port.
    pub fn port(&self) -> u16 {
        self.server.server_addr().to_ip().map_or(0, |address| address.port())
    }

    /// Waits for its end.
    pub fn join(mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.unblock();
    }
}

fn answer(mut request: Request, folder: &Path, seen: &impl Fn(&str, &[u8])) {
    let path = request.url().split(['?', '#']).next().unwrap_or_default().to_owned();
    let mut body = Vec::new();
    // Who goes away while it posts is not answered either.
    let _ = request.as_reader().read_to_end(&mut body);
    seen(&path, &body);
    let file = file_of(folder, &path).filter(|_| *request.method() == Method::Get);
    let _ = match file {
        Some((content, kind)) => request.respond(typed(Response::from_data(content), kind)),
        None if *request.method() == Method::Post => request.respond(Response::empty(204)),
        None => request.respond(Response::from_string("not found").with_status_code(404)),
    };
}

/// A file of the folder itself and its media type.
fn file_of(folder: &Path, path: &str) -> Option<(Vec<u8>, &'static str)> {
    let name = match path.trim_start_matches('/') {
        "" => "index.html",
        name => name,
    };
    let mut components = Path::new(name).components();
    let (Some(Component::Normal(_)), None) = (components.next(), components.next()) else { return None };
    let kind = match Path::new(name).extension()?.to_str()? {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "jpg" => "image/jpeg",
        _ => "application/octet-stream",
    };
    Some((fs::read(folder.join(name)).ok()?, kind))
}

fn typed<R: Read>(response: Response<R>, kind: &str) -> Response<R> {
    match Header::from_bytes("Content-Type", kind) {
        Ok(header) => response.with_header(header),
        Err(()) => response,
    }
}
