//! What it costs to depend on a crate: how many crates come along, how long they take to build from nothing,
//! and how large a static executable becomes that fetches a token (without any of them: `nobody`); then what
//! single operations of ours add to one without libc, by `.ci/size`.
//!
//! The executable is of musl where rustup's standard library for it is installed, else of glibc.
//!
//! `--check` fails where ours costs more than when last seen, which was 10 crates and two pages.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

const WHO: [&str; 4] = ["nobody", "ours", "linux-keyutils", "keyutils"];

const CRATES: usize = 10;
/// A page more than seen: files grow by whole ones.
const BYTES: u64 = 3 * 4096;

fn main() -> ExitCode {
    if env::args().any(|arg| arg == "--test") {
        return ExitCode::SUCCESS;
    }
    let (mut good, mut nobodys) = (true, 0);
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("fetch");
    let target = if musl() { "x86_64-unknown-linux-musl" } else { "x86_64-unknown-linux-gnu" };
    println!(
        "\nCost of fetching a token, {target}; libkeyutils is no crate, and comes built for glibc\n\n\
         | | crates | cold build, s | bytes |\n|{}",
        " --- |".repeat(4)
    );
    for who in WHO {
        let features = if who == "nobody" { vec![] } else { vec!["--features", who] };
        let folder = env::temp_dir().join(format!("keyctl-cost-{}-{who}", std::process::id()));
        let cargo = |command: &str| {
            let mut cargo = Command::new(env!("CARGO"));
            cargo
                .current_dir(&package)
                .arg(command)
                .arg("--locked")
                .args(&features)
                .arg("--target")
                .arg(target);
            cargo.env("CARGO_TARGET_DIR", &folder).env("RUSTFLAGS", "-Ctarget-feature=+crt-static");
            cargo
        };
        let tree = cargo("tree").args(["--prefix=none", "--edges=normal,build"]).output().expect("cargo");
        let mut crates: Vec<_> = str::from_utf8(&tree.stdout).expect("UTF-8").lines().collect();
        crates.sort_unstable();
        crates.dedup_by_key(|line| line.trim_end_matches(" (*)"));

        let start = Instant::now();
        let built = cargo("build").args(["--release", "--quiet"]).status().expect("cargo");
        let seconds = start.elapsed().as_secs_f64();
        assert!(built.success(), "{who} does not build");
        let size = fs::metadata(folder.join(target).join("release/fetch")).expect("an executable").len();
        let crates = crates.len() - 1;
        println!("| {who} | {crates} | {seconds:.1} | {size} |");
        fs::remove_dir_all(folder).expect("its own folder");
        match who {
            "nobody" => nobodys = size,
            "ours" if crates > CRATES || size > nobodys + BYTES => {
                eprintln!("that is more than {CRATES} crates or {BYTES} bytes");
                good = false;
            }
            _ => {}
        }
    }
    println!("\nBytes that an operation adds to a program without libc\n");
    let sizes = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/size")).status();
    good &= sizes.inspect_err(|error| eprintln!(".ci/size: {error}")).is_ok_and(|status| status.success());
    if !good && env::args().any(|arg| arg == "--check") { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Whether there is a standard library for musl.
fn musl() -> bool {
    let print = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", "x86_64-unknown-linux-musl"])
        .output();
    print.is_ok_and(|out| str::from_utf8(&out.stdout).is_ok_and(|path| Path::new(path.trim()).exists()))
}
