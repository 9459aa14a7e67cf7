//! What does not depend on the machine: instructions for each call, by valgrind, and system calls for each
//! task, by strace. Each figure is the difference between two runs of this program, of N and 2 N rounds, so
//! that nothing but the work is in it. The loop is: for `bare`, too.
//!
//! `--check` fails where one of these is more than it may be, could not be counted, or is less with a peer.

use std::collections::HashMap;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;
use std::{env, fs, thread};

use keyctl_benches::LibKeyutils;
use keyctl_benches::work::{self, CALLS, GROWING, TASKS, WHO};

/// A call that copies no text takes at most so many instructions more than the bare one.
const MORE_THAN_BARE: f64 = 5.0;
/// And this more than itself where it copies one: 156 when last seen, to clear 256 bytes, to copy, and to look
/// for a NUL in the text.
const COPY: f64 = 180.0;
/// With more keys only we are counted, since strace would take minutes with the peers.
const MANY: usize = 1000;
/// The exit status of who has none.
const NO_WORK: u8 = 3;
const TRACED: &str =
    "-etrace=keyctl,add_key,request_key,open,openat,fstat,newfstatat,fstatfs,read,lseek,close";

/// What is counted, in words, and who took how many.
type Row = (String, HashMap<&'static str, f64>);

fn main() -> ExitCode {
    let args: Vec<String> = env::args().collect();
    if let [_, kind, name, who, keys, rounds] = &args[..] {
        let number = |text: &str| text.parse().expect("a number");
        return rounds_of(kind, name, who, number(keys), number(rounds));
    }
    if args.iter().any(|arg| arg == "--test") {
        return ExitCode::SUCCESS;
    }
    let mut good = LibKeyutils::open().is_some();
    // What could not be counted is not a number, and so not at most anything.
    let mut at_most = |what: &str, ours: f64, limit: f64, why: &str| {
        if ours.is_nan() || limit.is_nan() || ours > limit {
            eprintln!("{what}: {ours} is not at most {limit}, {why}");
            good = false;
        }
    };

    title("Instructions per call", "call");
    let calls: Vec<Row> =
        CALLS.iter().map(|call| row(call.to_string(), |who| instructions(call, who))).collect();
    for (call, counts) in &calls {
        let ours = counts["ours"];
        if let Some(bare) = counts.get("bare") {
            at_most(call, ours, bare + MORE_THAN_BARE, "the bare instruction's and some");
        }
        if let Some(plain) = call.strip_suffix(", &str") {
            let (_, plain) = calls.iter().find(|(name, _)| name == plain).expect("without a copy, too");
            at_most(call, ours, plain["ours"] + COPY, "what a copy may cost");
        }
        for (who, &count) in counts.iter().filter(|(who, _)| **who != "bare") {
            at_most(call, ours, count, who);
        }
    }

    title(&format!("System calls per task; of peers, with up to {MANY} keys"), "task, keys");
    let small = TASKS.iter().map(|&task| (task, 1));
    let growing = GROWING.iter().flat_map(|&task| work::sizes().iter().map(move |&keys| (task, keys)));
    for (task, keys) in small.chain(growing) {
        let (name, counts) = row(format!("{task}, {keys}"), |who| {
            if keys > MANY && who != "ours" { None } else { system_calls(task, who, keys) }
        });
        let limit = match task {
            "deposit" | "fetch" => 3,
            "list with descriptions" => keys + 1,
            // As many as the kernel hands the file out in.
            "scan" => usize::MAX,
            _ => 1,
        };
        at_most(&name, counts["ours"], limit as f64, "what it takes");
        for (who, &count) in &counts {
            at_most(&name, counts["ours"], count, who);
        }
    }
    if !good && args.iter().any(|arg| arg == "--check") { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Does the work and nothing else. 3 where there is none.
fn rounds_of(kind: &str, name: &str, who: &str, keys: usize, rounds: usize) -> ExitCode {
    let work = if kind == "call" {
        work::call(name, who)
    } else {
        work::stage(keys);
        work::task(name, who, keys)
    };
    let Some(mut work) = work else { return ExitCode::from(NO_WORK) };
    work(rounds);
    work::clear();
    ExitCode::SUCCESS
}

fn title(title: &str, column: &str) {
    println!("\n{title}\n\n| {column} | {} |\n|{}", WHO.join(" | "), " --- |".repeat(WHO.len() + 1));
}

fn row(name: String, count: impl Fn(&str) -> Option<f64>) -> Row {
    let counts: HashMap<_, _> = WHO.iter().filter_map(|&who| Some((who, count(who)?))).collect();
    let cells = WHO.map(|who| counts.get(who).map_or("-".into(), |count| format!("{count:.0}")));
    println!("| {name} | {} |", cells.join(" | "));
    (name, counts)
}

/// Instructions of one call, the system call itself being one.
fn instructions(call: &str, who: &str) -> Option<f64> {
    let tool = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"];
    difference(&tool, ["call", call, who, "1"], 1000, |said| {
        said.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
    })
}

/// Calls of the key service in one task, and those with which a file is read.
fn system_calls(task: &str, who: &str, keys: usize) -> Option<f64> {
    let tool = ["strace", "-qq", TRACED];
    let rounds = if keys > MANY { 1 } else { 3 };
    difference(&tool, ["task", task, who, &keys.to_string()], rounds, |said| {
        Some(said.lines().filter(|line| line.contains(" = ")).count() as f64)
    })
}

/// What one round adds to what the tool says of the work. `None` where there is no such work.
fn difference(
    tool: &[&str],
    work: [&str; 4],
    rounds: usize,
    count: impl Fn(&str) -> Option<f64>,
) -> Option<f64> {
    let count = |rounds: usize| {
        settle();
        let mut command = Command::new(tool[0]);
        command.args(&tool[1..]).arg(env::current_exe().expect("/proc/self/exe"));
        let out = command.args(work).arg(rounds.to_string()).stdin(Stdio::null()).output();
        let out = out.inspect_err(|error| eprintln!("{}: {error}", tool[0])).ok();
        if out.as_ref().is_some_and(|out| out.status.code() == Some(NO_WORK.into())) {
            return None;
        }
        let counted = out.filter(|out| out.status.success());
        let counted = counted.and_then(|out| count(&String::from_utf8_lossy(&out.stderr)));
        Some(counted.unwrap_or(f64::NAN))
    };
    Some((count(2 * rounds)? - count(rounds)?) / rounds as f64)
}

/// Waits till Linux has taken away what the run before had staged: a scan would meet it.
fn settle() {
    let staged = || fs::read_to_string("/proc/keys").is_ok_and(|keys| keys.contains("keyctl:bench:1"));
    for _ in 0..100 {
        if !staged() {
            break;
        }
        thread::sleep(Duration::from_millis(100));
    }
}
