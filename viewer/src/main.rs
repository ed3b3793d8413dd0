//! The program `agf-viewer`: the window on a desktop.

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::process::ExitCode {
    desktop::main()
}

#[cfg(target_arch = "wasm32")]
fn main() {}

#[cfg(not(target_arch = "wasm32"))]
mod desktop {
    use agf_viewer::{Network, Options, Viewer, graphics};
    use clap::Parser;
    use eframe::egui::ViewportBuilder;
    use std::cell::Cell;
    use std::path::PathBuf;
    use std::process::ExitCode;
    use std::rc::Rc;

    /// Shows which pixels of a photo speak for which class, live.
    #[derive(Parser)]
    #[command(name = "agf-viewer", version)]
    struct Arguments {
        /// A photo, or a folder of photos; more can be dropped into the window
        photos: Option<PathBuf>,
        /// The network: an ONNX file, or the name of one that agf knows [default: the built-in one]
        #[arg(long, value_name = "NAME|FILE.onnx")]
        model: Option<String>,
        /// Weights for the named network: a file, or synthetic
        #[arg(long, value_name = "FILE|synthetic")]
        weights: Option<PathBuf>,
        /// Where pictures and numbers are saved
        #[arg(long, value_name = "FOLDER", default_value = "out")]
        out: PathBuf,
        /// Explain the photo, print how long frames took meanwhile, and close
        #[arg(long)]
        frame_times: bool,
        /// WebGPU's default limits and no optional feature, whatever the adapter offers
        #[arg(long)]
        webgpu_limits: bool,
    }

    pub(super) fn main() -> ExitCode {
        match run(Arguments::parse()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::from(2)
            }
        }
    }

    /// Leaves the window a processor: compiling and packing take all the others.
    fn leave_a_processor() {
        let others = std::thread::available_parallelism().map_or(1, |count| count.get().saturating_sub(1).max(1));
        // It fails where threads were started before, as nothing here does.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(others).build_global();
    }

    /// Opens the window, and another one where its graphics device was lost.
    fn run(arguments: Arguments) -> Result<(), String> {
        leave_a_processor();
        let mut options = Options {
            network: Network::from_options(arguments.model.as_deref(), arguments.weights.as_deref())?,
            path: arguments.photos,
            folder: arguments.out,
            measures_frames: arguments.frame_times,
            ..Default::default()
        };
        loop {
            let next = Rc::new(Cell::new(None));
            open(options, arguments.webgpu_limits, next.clone())?;
            match next.take() {
                Some(left) => options = left,
                None => return Ok(()),
            }
        }
    }

    fn open(options: Options, webgpu_limits: bool, next: Rc<Cell<Option<Options>>>) -> Result<(), String> {
        let native = eframe::NativeOptions {
            viewport: ViewportBuilder::default().with_inner_size([1280.0, 800.0]).with_title("agf"),
            wgpu_options: graphics(webgpu_limits),
            ..Default::default()
        };
        let create = move |context: &eframe::CreationContext<'_>| {
            let viewer = Viewer::new(context, options, move |left| next.set(Some(left)))?;
            Ok(Box::new(viewer) as Box<dyn eframe::App>)
        };
        eframe::run_native("agf-viewer", native, Box::new(create))
            .map_err(|error| format!("the window cannot be opened: {error}; agf-run works without a window"))
    }
}
