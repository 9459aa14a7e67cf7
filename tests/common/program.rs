//! Programs: the examples, and the test binary itself, started anew.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rustix::fs::{FlockOperation, flock};

use super::unique;

/// A program that was opened by the one who makes this value, for anybody to start: a folder on the way
/// to it may be closed to a throw-away user.
pub struct Program(File);

impl Program {
    pub fn example(name: &str) -> Self {
        Self(File::open(example(name)).unwrap())
    }

    /// This test binary.
    pub fn this() -> Self {
        Self(File::open(env::current_exe().unwrap()).unwrap())
    }

    /// Starts it from this thread, whose session keyring it inherits, and waits for its end.
    pub fn run(&self, args: &[&str]) -> Output {
        let path = format!("/proc/self/fd/{}", self.0.as_raw_fd());
        Command::new(path).args(args).output().unwrap()
    }
}

/// Where cargo leaves an example: beside the folder of the test binaries.
pub fn example(name: &str) -> PathBuf {
    let this = env::current_exe().unwrap();
    this.ancestors().nth(2).unwrap().join("examples").join(name)
}

/// A part that this test binary plays when it is started for it, as `BINARY --ignored --exact play PART
/// ARGS`. Each of them fails by panic.
pub type Part = fn(&[&str]);

/// The arguments by which a test binary plays a part.
pub fn part<'a>(name: &'a str, args: &[&'a str]) -> Vec<&'a str> {
    [&["--ignored", "--exact", "play", name], args].concat()
}

/// The whole of a test `play`: the part that the arguments name. With other arguments it is nothing.
pub fn play(parts: &[(&str, Part)]) {
    let args: Vec<OsString> = env::args_os().collect();
    let args: Vec<&str> = args.iter().map(|arg| arg.to_str().unwrap()).collect();
    if let [_, "--ignored", "--exact", "play", name, args @ ..] = &args[..] {
        let (_, part) = parts.iter().find(|(known, _)| known == name).expect("a part of this binary");
        part(args);
    }
}

const RULES: &str = "/etc/request-key.d";

/// A line of `/etc/request-key.d`, for as long as this value lives: keys of type "user" with this
/// description, or a pattern of it, are made by that program. Nobody else has one at the same time, since
/// `request-key` gives up over a file that vanishes while it looks for the best line.
pub struct Rule {
    path: PathBuf,
    _turn: File,
}

impl Rule {
    pub fn new(description: &str, program: &Path, args: &[&str]) -> Self {
        let turn = File::open(RULES).unwrap();
        flock(&turn, FlockOperation::LockExclusive).unwrap();
        let path = Path::new(RULES).join(format!("{}.conf", unique().to_str().unwrap()));
        let this = Self { path, _turn: turn };
        let line = format!("create user {description} * {} {}\n", program.display(), args.join(" "));
        fs::write(&this.path, line).unwrap();
        this
    }
}

impl Drop for Rule {
    fn drop(&mut self) {
        fs::remove_file(&self.path).unwrap();
    }
}

/// Whether the kernel finds a `request-key` that reads [`RULES`].
pub fn request_key() -> io::Result<()> {
    fs::metadata("/sbin/request-key")?;
    fs::metadata(RULES)?;
    Ok(())
}
