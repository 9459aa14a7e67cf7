//! How many times as long as with us does a task take with a peer? All take turns, so that what else the
//! machine does meets all of them; of each the median is taken. Bars of the same are in `tasks`. What a list
//! takes by the bare instructions is the kernel's share, and grows as the kernel's does.

use std::env;
use std::time::{Duration, Instant};

use keyctl_benches::work::{self, GROWING, TASKS, Work};

const OTHERS: [&str; 4] = ["bare", "libkeyutils", "linux-keyutils", "keyutils"];
/// A turn is of so many rounds that it takes no less with us.
const TURN: Duration = Duration::from_millis(2);

fn main() {
    if env::args().any(|arg| arg == "--test") {
        return;
    }
    println!("\nTime per task, that of others as a multiple of ours\n");
    println!("| task | keys | ours, us | {} |\n|{}", OTHERS.join(" | "), " --- |".repeat(3 + OTHERS.len()));
    for task in TASKS {
        row(task, 1);
    }
    for task in GROWING {
        for &keys in work::sizes() {
            row(task, keys);
        }
    }
    work::clear();
}

fn row(task: &str, keys: usize) {
    work::stage(keys);
    let mut ours = work::task(task, "ours", keys).expect("we can");
    let mut others = OTHERS.map(|who| work::task(task, who, keys));
    let mut rounds = 1;
    while time(&mut ours, rounds) < TURN {
        rounds *= 2;
    }
    // Fewer where one takes tenths of seconds: all must not take minutes.
    let turns = if keys > 1000 { 10 } else { 21 };
    let (mut our_times, mut times) = (Vec::new(), OTHERS.map(|_| Vec::new()));
    for _ in 0..turns {
        our_times.push(time(&mut ours, rounds));
        for (work, times) in others.iter_mut().zip(&mut times) {
            times.extend(work.as_mut().map(|work| time(work, rounds)));
        }
    }
    let ours = median(our_times).expect("we can");
    let cells = times.map(|times| median(times).map_or("-".into(), |s| format!("{:.2}", s / ours)));
    println!("| {task} | {keys} | {:.2} | {} |", ours * 1e6 / rounds as f64, cells.join(" | "));
}

/// In seconds.
fn median(mut times: Vec<Duration>) -> Option<f64> {
    times.sort_unstable();
    times.get(times.len() / 2).map(Duration::as_secs_f64)
}

/// After a round for the caches, which are otherwise as the one before has left them.
fn time(work: &mut Work, rounds: usize) -> Duration {
    work(1);
    let start = Instant::now();
    work(rounds);
    start.elapsed()
}
