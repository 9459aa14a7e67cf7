//! How many times as long as with us does a task take with a peer? All take turns, so that what else the
//! machine does meets all of them; of each the median is taken. Bars of the same are in `tasks`.

use std::env;
use std::time::{Duration, Instant};

use keyctl_benches::work::{self, GROWING, TASKS, WHO, Work};

const TURNS: usize = 21;
/// A turn is of so many rounds that it takes no less with us.
const TURN: Duration = Duration::from_millis(2);

fn main() {
    if env::args().any(|arg| arg == "--test") {
        return;
    }
    println!("\nTime per task, with a peer as a multiple of ours\n");
    println!("| task | keys | ours, us | {} |\n|{}", WHO[3..].join(" | "), " --- |".repeat(6));
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
    let mut works = WHO.map(|who| work::task(task, who, keys));
    let ours = works[0].as_mut().expect("we can");
    let mut rounds = 1;
    while time(ours, rounds) < TURN {
        rounds *= 2;
    }
    let mut times = WHO.map(|_| Vec::new());
    for _ in 0..TURNS {
        for (work, times) in works.iter_mut().zip(&mut times) {
            times.extend(work.as_mut().map(|work| time(work, rounds)));
        }
    }
    let medians = times.map(|mut times| {
        times.sort_unstable();
        times.get(TURNS / 2).map(Duration::as_secs_f64)
    });
    let ours = medians[0].expect("we can");
    let cells = medians[3..].iter().map(|theirs| theirs.map_or("-".into(), |s| format!("{:.2}", s / ours)));
    let cells: Vec<String> = cells.collect();
    println!("| {task} | {keys} | {:.2} | {} |", ours * 1e6 / rounds as f64, cells.join(" | "));
}

/// After a round for the caches, which are otherwise as the one before has left them.
fn time(work: &mut Work, rounds: usize) -> Duration {
    work(1);
    let start = Instant::now();
    work(rounds);
    start.elapsed()
}
