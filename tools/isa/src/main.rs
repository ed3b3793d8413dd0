//! The program: compiles kernels for AMD cards that need not be there, prints what became of them, and checks the
//! bounds.

use agf::plan::Strategy;
use agf_isa::driver::{Driver, environment};
use agf_isa::error::Error;
use agf_isa::kernels::{Kernel, from_file, planned};
use agf_isa::report::{Record, examine, table};
use agf_isa::vendor;
use clap::Parser;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread::ScopedJoinHandle;

/// What AMD's compiler (Mesa's RADV, without a card) makes of the kernels that the planner chooses on graphics cards.
///
/// occ.: subgroups per SIMD. loop: instructions of the hot loop that run in every iteration; FMA: multiply-adds in it;
/// FMA %: their share of all its operations; VALU %: their share of the vector unit's; FMA/instr: multiply-adds per
/// instruction. Only compare kernels of one shape.
///
/// Exit codes: 0 all bounds hold, 1 a bound does not hold, 2 an error (RADV is missing, a shader does not compile).
#[derive(Debug, Parser)]
#[command(name = "agf-isa", version, max_term_width = 110)]
struct Arguments {
    /// Card families, as RADV names them: navi10, navi21, navi31, navi33, gfx1150, gfx1201, vega10, ...
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "navi21,navi31")]
    family: Vec<String>,
    /// WGSL file to look at instead of the planner's kernels
    #[arg(long, value_name = "FILE")]
    shader: Option<PathBuf>,
    /// Value of one of the file's overridable constants
    #[arg(long, value_name = "NAME=VALUE", value_parser = constant, requires = "shader")]
    constant: Vec<(String, f64)>,
    /// Only kernels whose name contains this
    #[arg(long, value_name = "TEXT", default_value = "")]
    filter: String,
    /// Leave out naga's run-time checks, to see what they cost
    #[arg(long)]
    unchecked: bool,
    /// Folder to write each kernel's assembly to
    #[arg(long, value_name = "DIR")]
    assembly: Option<PathBuf>,
    /// Compile with the driver that the environment names, for a card whose name contains this, and print what the
    /// driver itself says (tools/vendors.sh)
    #[arg(long, value_name = "NAME", conflicts_with_all = ["family", "assembly", "json"])]
    card: Option<String>,
    /// Print records as JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Compile for this family in this process, whose environment is made for it
    #[arg(long, hide = true)]
    child: Option<String>,
}

fn constant(text: &str) -> Result<(String, f64), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    let number = match value {
        "true" => 1.0,
        "false" => 0.0,
        _ => value.parse().map_err(|_| format!("'{value}' is not a number, true or false"))?,
    };
    Ok((name.into(), number))
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match (&arguments.child, &arguments.card) {
        (_, Some(card)) => examine_on_card(&arguments, card),
        (Some(family), None) => compile(&arguments, family).map(|records| {
            println!("{}", serde_json::json!(records));
            ExitCode::SUCCESS
        }),
        (None, None) => run(&arguments),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::from(2)
    })
}

fn run(arguments: &Arguments) -> Result<ExitCode, Error> {
    let records: Vec<Vec<Record>> = std::thread::scope(|scope| {
        let families = arguments.family.iter();
        let children: Vec<_> = families.map(|family| scope.spawn(move || in_child(family))).collect();
        let end = |child: ScopedJoinHandle<_>| child.join().unwrap_or_else(|panic| resume_unwind(panic));
        children.into_iter().map(end).collect::<Result<_, _>>()
    })?;
    let records = records.concat();
    match arguments.json {
        true => println!("{}", serde_json::json!(records)),
        false => print!("{}", table(&records)),
    }
    let violations: Vec<String> = records.iter().flat_map(Record::violations).collect();
    for violation in &violations {
        eprintln!("bound: {violation}");
    }
    Ok(if violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// The driver reads its variables once, so every family has a process of its own, with the same arguments.
fn in_child(family: &str) -> Result<Vec<Record>, Error> {
    let fail = |reason: String| Error::Child(format!("{family}: {reason}"));
    let program = std::env::current_exe().map_err(|error| fail(error.to_string()))?;
    let output = Command::new(program)
        .args(std::env::args_os().skip(1))
        .args(["--child", family])
        .envs(environment(family)?)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| fail(error.to_string()))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let start = errors.find("error: ").map_or(0, |at| at + "error: ".len());
        return Err(fail(errors[start..].trim().to_string()));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| fail(error.to_string()))
}

fn examine_on_card(arguments: &Arguments, card: &str) -> Result<ExitCode, Error> {
    let driver = Driver::open(card)?;
    let found = kernels(arguments, vendor::strategies(driver.name()))?
        .iter()
        .map(|kernel| vendor::examine(&driver, kernel))
        .collect::<Result<Vec<_>, _>>()?;
    print!("{}", vendor::table(driver.name(), &found));
    let spilling: Vec<_> = found.iter().filter(|found| found.spills > 0).collect();
    for kernel in &spilling {
        eprintln!("bound: {} {} spills {} registers", driver.name(), kernel.kernel, kernel.spills);
    }
    Ok(if spilling.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn kernels(arguments: &Arguments, strategies: &[Strategy]) -> Result<Vec<Kernel>, Error> {
    let mut kernels = match &arguments.shader {
        Some(path) => vec![from_file(path, &arguments.constant)?],
        None => planned(strategies)?,
    };
    kernels.retain(|kernel| kernel.name.contains(&arguments.filter));
    Ok(kernels)
}

fn compile(arguments: &Arguments, family: &str) -> Result<Vec<Record>, Error> {
    let driver = Driver::open_family(family)?;
    let mut records = Vec::new();
    for kernel in kernels(arguments, vendor::strategies(driver.name()))? {
        let (record, assembly) = examine(&driver, family, &kernel, kernel.is_checked && !arguments.unchecked)?;
        if let Some(folder) = &arguments.assembly {
            write_assembly(folder, family, &kernel, &assembly)?;
        }
        records.push(record);
    }
    Ok(records)
}

fn write_assembly(folder: &Path, family: &str, kernel: &Kernel, assembly: &str) -> Result<(), Error> {
    let path = folder.join(format!("{family}.{}.s", kernel.name.replace(' ', ".")));
    let error = |source| Error::File { path: path.display().to_string(), source };
    std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, assembly)).map_err(error)
}
