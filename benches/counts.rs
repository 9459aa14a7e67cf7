//! What does not depend on the machine: instructions for each call, by valgrind, and system calls for each
//! task, by strace. Each figure is the difference between two runs of this program, of N and 2 N rounds, so
//! that nothing but the work is in it. The loop is: for `bare`, too.
//!
//! `--check` fails where a call that passes no text takes over 5 instructions more than the bare one, or where
//! a peer has fewer system calls.

use std::collections::HashMap;
use std::env;
use std::process::{Command, ExitCode, Stdio};

use keyctl_benches::work::{self, CALLS, GROWING, TASKS, WHO};

const KEYS: usize = 100;
const TRACED: &str =
    "-etrace=keyctl,add_key,request_key,open,openat,fstat,newfstatat,fstatfs,read,lseek,close";

fn main() -> ExitCode {
    let args: Vec<String> = env::args().collect();
    if let [_, kind, name, who, rounds] = &args[..] {
        return rounds_of(kind, name, who, rounds.parse().expect("a number"));
    }
    let check = args.iter().any(|arg| arg == "--check");
    if args.iter().any(|arg| arg == "--test") {
        return ExitCode::SUCCESS;
    }
    let mut good = true;

    let instructions = table("Instructions per call", "call", &CALLS, instructions);
    for (call, counts) in &instructions {
        if let (Some(&ours), Some(&bare)) = (counts.get("ours"), counts.get("bare"))
            && !["search", "add_key"].contains(call)
            && ours > bare + 5.0
        {
            eprintln!("{call}: {ours} instructions are more than {bare} + 5");
            good = false;
        }
    }
    let tasks = [&TASKS[..], &GROWING].concat();
    let calls = table(&format!("System calls per task, with {KEYS} keys"), "task", &tasks, calls);
    for (task, counts) in &calls {
        for (who, &count) in counts {
            if count < counts["ours"] {
                eprintln!("{task}: {who} has fewer system calls");
                good = false;
            }
        }
    }
    if check && !good { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Does the work and nothing else. 3 where there is none.
fn rounds_of(kind: &str, name: &str, who: &str, rounds: usize) -> ExitCode {
    let work = if kind == "call" {
        work::call(name, who)
    } else {
        work::stage(KEYS);
        work::task(name, who, KEYS)
    };
    let Some(mut work) = work else { return ExitCode::from(3) };
    work(rounds);
    ExitCode::SUCCESS
}

type Counts<'a> = HashMap<&'a str, f64>;

fn table<'a>(
    title: &str,
    column: &str,
    names: &[&'a str],
    count: fn(&str, &str) -> Option<f64>,
) -> Vec<(&'a str, Counts<'static>)> {
    println!("\n{title}\n\n| {column} | {} |\n|{}", WHO.join(" | "), " --- |".repeat(WHO.len() + 1));
    names
        .iter()
        .map(|&name| {
            let counts: Counts = WHO.iter().filter_map(|&who| Some((who, count(name, who)?))).collect();
            let cells = WHO.map(|who| counts.get(who).map_or("-".into(), |count| format!("{count:.0}")));
            println!("| {name} | {} |", cells.join(" | "));
            (name, counts)
        })
        .collect()
}

/// Instructions of one call, the system call itself being one.
fn instructions(call: &str, who: &str) -> Option<f64> {
    difference(1000, |rounds| {
        let out = run(
            &["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"],
            "call",
            call,
            who,
            rounds,
        )?;
        out.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
    })
}

/// Calls of the key service in one task, and those with which a file is read.
fn calls(task: &str, who: &str) -> Option<f64> {
    difference(3, |rounds| {
        let out = run(&["strace", "-qq", TRACED], "task", task, who, rounds)?;
        Some(out.lines().filter(|line| line.contains(" = ")).count() as f64)
    })
}

fn difference(rounds: usize, count: impl Fn(usize) -> Option<f64>) -> Option<f64> {
    Some((count(2 * rounds)? - count(rounds)?) / rounds as f64)
}

/// What the tool says of that many rounds; `None` where there is no such work, or no such tool.
fn run(tool: &[&str], kind: &str, name: &str, who: &str, rounds: usize) -> Option<String> {
    let this = env::current_exe().expect("/proc/self/exe");
    let output = Command::new(tool[0])
        .args(&tool[1..])
        .arg(this)
        .args([kind, name, who, &rounds.to_string()])
        .stdin(Stdio::null())
        .output()
        .inspect_err(|error| eprintln!("{}: {error}", tool[0]))
        .ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}
