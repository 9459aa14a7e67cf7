//! The first process of a test machine: runs the tests in `/t/TARGET/deps`, says for each target how
//! many passed, and ends the machine. What it lacks stands in `/lacks`.

use std::fs;
use std::io::{BufRead, BufReader, Error};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::park;
use std::time::Instant;

use rustix::mount::{MountFlags, mount};
use rustix::system::{RebootCommand, reboot};

fn main() {
    for (kind, place) in [("proc", "/proc"), ("sysfs", "/sys"), ("devtmpfs", "/dev"), ("tmpfs", "/tmp")] {
        if let Err(why) = mount(kind, place, kind, MountFlags::empty(), None) {
            println!("{place}: {why}");
        }
    }
    for target in sorted("/t") {
        run(&target);
    }
    println!("end of tests");
    // With `-no-reboot` the emulator ends; there is a way to restart on every machine.
    println!("{:?}", reboot(RebootCommand::Restart));
    park();
}

/// Runs the tests of a target one by one, and says what became of them.
fn run(target: &Path) {
    let (start, mut passed, mut failed) = (Instant::now(), 0, 0);
    for test in sorted(target.join("deps")) {
        println!("-- {}", test.display());
        match results(&test) {
            Ok((p, f, true)) => (passed, failed) = (passed + p, failed + f),
            Ok((p, f, false)) => (passed, failed) = (passed + p, failed + f.max(1)),
            Err(why) => {
                println!("{why}");
                failed += 1;
            }
        }
    }
    let name = target.file_name().unwrap_or_default().display();
    println!("tests of {name}: {passed} passed, {failed} failed, {:.1} s", start.elapsed().as_secs_f32());
}

/// Tests passed and failed, and whether the process says that all is well.
fn results(test: &Path) -> Result<(u32, u32, bool), Error> {
    let lacks = fs::read_to_string("/lacks")?;
    let mut command = Command::new(test);
    command.env("KEYCTL_LACKS", lacks.trim()).env("KEYCTL_SHORT", "1").stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let (mut passed, mut failed) = (0, 0);
    for line in BufReader::new(child.stdout.take().expect("it is piped")).lines() {
        let line = line?;
        println!("{line}");
        // test result: ok. 4 passed; 0 failed; ...
        if let Some(counts) = line.strip_prefix("test result: ") {
            let mut numbers = counts.split_whitespace().filter_map(|word| word.parse::<u32>().ok());
            passed += numbers.next().unwrap_or(0);
            failed += numbers.next().unwrap_or(1);
        }
    }
    let status = child.wait()?;
    println!("{status}");
    Ok((passed, failed, status.success()))
}

fn sorted(folder: impl AsRef<Path>) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}
