//! What it costs to depend on a crate: how many crates come along, how long they take to build from nothing,
//! and how large a static executable becomes that fetches a token (without any of them: `nobody`).
//!
//! The executable is of musl where rustup's standard library for it is installed, else of glibc.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

const WHO: [&str; 4] = ["nobody", "ours", "linux-keyutils", "keyutils"];

fn main() {
    if env::args().any(|arg| arg == "--test") {
        return;
    }
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("fetch");
    let target = if musl() { "x86_64-unknown-linux-musl" } else { "x86_64-unknown-linux-gnu" };
    println!(
        "\nCost of fetching a token, {target}\n\n| | crates | cold build, s | bytes |\n|{}",
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
        println!("| {who} | {} | {seconds:.1} | {size} |", crates.len() - 1);
        fs::remove_dir_all(folder).expect("its own folder");
    }
}

/// Whether there is a standard library for musl.
fn musl() -> bool {
    let print = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", "x86_64-unknown-linux-musl"])
        .output();
    print.is_ok_and(|out| str::from_utf8(&out.stdout).is_ok_and(|path| Path::new(path.trim()).exists()))
}
