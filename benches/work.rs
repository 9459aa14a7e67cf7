//! The work that is counted and timed: single calls, and what users do, each as ours and as a peer's own
//! interface has it. All of it is on the process keyring, the one that each of them can name.

use std::ffi::{CStr, c_char, c_void};
use std::fmt::Debug;
use std::hint::black_box;
use std::ptr;
use std::time::Duration;

use keyctl::proc::Keys;
use keyctl::syscall::op;
use keyctl::{Error, Key, KeyType, Keyring, MAX_DESCRIPTION, Timeout, get_persistent};
use keyutils::KeyringSerial;
use keyutils::keytypes::User;
use linux_keyutils::{KeyError, KeyRing, KeyRingIdentifier, KeySerialId};

use crate::{LibKeyutils, bare};

/// Who does the work.
pub const WHO: [&str; 6] = ["ours", "bare", "libc", "libkeyutils", "linux-keyutils", "keyutils"];

/// Single calls. The last four pass a text: one with its NUL, then one that is copied to get a NUL, which is
/// all that the two crates take.
pub const CALLS: [&str; 9] = [
    "get_persistent",
    "read",
    "link",
    "describe",
    "describe and parse",
    "search",
    "add_key",
    "search, &str",
    "add_key, &str",
];

/// What users do.
pub const TASKS: [&str; 4] = ["deposit", "fetch", "renew", "read 32 KiB"];

/// What they do with many keys: `scan` looks in /proc/keys for a name that nobody has.
pub const GROWING: [&str; 3] = ["list", "list with descriptions", "scan"];

/// How many keys there are to grow with. Ordinary users' quota ends below 200.
pub fn sizes() -> &'static [usize] {
    // SAFETY: takes nothing and always succeeds.
    if unsafe { libc::geteuid() } == 0 { &[10, 1000, 50_000] } else { &[10, 100] }
}

/// So many rounds of it.
pub type Work = Box<dyn FnMut(usize)>;

const PROCESS: i32 = -2;
const REAL_UID: u32 = u32::MAX;
const NAME: &CStr = c"keyctl:bench:0";
const NAME_STR: &str = "keyctl:bench:0";
const PAYLOAD: &[u8] = b"s3cr3t";

/// Puts so many keys into the process keyring, and nothing else. Returns the one named `NAME`.
pub fn stage(keys: usize) -> Key {
    clear();
    for i in 1..keys {
        Keyring::PROCESS
            .add_key(KeyType::USER, format!("keyctl:bench:{i}").as_str(), PAYLOAD)
            .expect("a new key");
    }
    Keyring::PROCESS.add_key(KeyType::USER, NAME, PAYLOAD).expect("a new key")
}

/// Takes all keys out again, and the token out of the persistent keyring. One by one: of a large keyring that
/// goes as a whole the kernel keeps a part charged to its owner (see [`Keyring::clear`]), till in the end root
/// can make no keys.
pub fn clear() {
    let ring = Keyring::PROCESS;
    if let Ok(persistent) = get_persistent(None, ring)
        && let Ok(Some(token)) = persistent.search(KeyType::USER, NAME)
    {
        persistent.unlink(token).expect("ours");
    }
    let mut links = Vec::new();
    let links = ring.resolve_or_create().and_then(|_| ring.links(&mut links)).expect("a process keyring");
    links.iter().try_for_each(|key| ring.unlink(*key)).expect("ours");
}

/// The same registers by the bare instruction or by libc.
macro_rules! raw {
    ($who:ident, $nr:ident, $a1:expr, $a2:expr, $a3:expr, $a4:expr, $a5:expr) => {
        match $who {
            // SAFETY: each address is of an array or text that outlives the call, with its length.
            "bare" => c_work(move || unsafe {
                bare(libc::$nr as usize, $a1 as usize, $a2 as usize, $a3 as usize, $a4 as usize, $a5 as usize)
            }),
            // SAFETY: as above.
            _ => c_work(move || unsafe { libc::syscall(libc::$nr, $a1, $a2, $a3, $a4, $a5) }),
        }
    };
}

/// A call of libkeyutils.
macro_rules! c {
    ($function:ident($($argument:expr),*)) => {{
        let $function = LibKeyutils::open()?.$function;
        // SAFETY: each address is of an array or text that outlives the call, with its length.
        c_work(move || unsafe { $function($($argument),*) })
    }};
}

/// One call on a stage of one key.
pub fn call(call: &str, who: &str) -> Option<Work> {
    let key = stage(1);
    let id = key.serial().as_raw();
    let (theirs, mut their_ring) = (keyutils_key(id), keyutils_ring());
    let other = linux_keyutils::Key::from_id(KeySerialId::new(id));
    let other_ring = KeyRing::from_special_id(KeyRingIdentifier::Process, true).ok()?;
    Some(match (call, who) {
        ("get_persistent", "ours") => work(|| get_persistent(None, black_box(Keyring::PROCESS))),
        ("get_persistent", "bare" | "libc") => {
            raw!(who, SYS_keyctl, op::GET_PERSISTENT.number(), REAL_UID, black_box(PROCESS), 0, 0)
        }
        ("get_persistent", "libkeyutils") => c!(get_persistent(REAL_UID, black_box(PROCESS))),
        ("get_persistent", "linux-keyutils") => {
            work(|| KeyRing::get_persistent(black_box(KeyRingIdentifier::Process)))
        }
        ("get_persistent", _) => work(move || black_box(&mut their_ring).attach_persistent()),

        ("read", "ours") => {
            let mut buffer = [0u8; 64];
            work(move || black_box(key).read(&mut buffer).map(drop))
        }
        ("read", "bare" | "libc") => {
            let mut buffer = [0u8; 64];
            raw!(who, SYS_keyctl, op::READ.number(), black_box(id), buffer.as_mut_ptr(), 64usize, 0)
        }
        ("read", "libkeyutils") => {
            let mut buffer = [0u8; 64];
            c!(read(black_box(id), buffer.as_mut_ptr().cast(), 64))
        }
        ("read", "linux-keyutils") => {
            let mut buffer = [0u8; 64];
            work(move || black_box(other).read(&mut buffer))
        }
        ("read", _) => work(move || black_box(&theirs).read()),

        ("describe", "ours") => {
            let mut buffer = [0u8; 256];
            work(move || black_box(key).describe_raw(&mut buffer).map(drop))
        }
        ("describe and parse", "ours") => {
            let mut buffer = [0u8; 256];
            work(move || black_box(key).describe(&mut buffer).map(|found| _ = black_box(found)))
        }
        ("describe", "bare" | "libc") => {
            let mut buffer = [0u8; 256];
            raw!(who, SYS_keyctl, op::DESCRIBE.number(), black_box(id), buffer.as_mut_ptr(), 256usize, 0)
        }
        ("describe", "libkeyutils") => {
            let mut buffer = [0u8; 256];
            c!(describe(black_box(id), buffer.as_mut_ptr().cast(), 256))
        }
        ("describe and parse", "linux-keyutils") => work(move || black_box(other).metadata()),
        ("describe and parse", "keyutils") => work(move || black_box(&theirs).description()),

        ("link", "ours") => work(move || black_box(Keyring::PROCESS).link(black_box(key))),
        ("link", "bare" | "libc") => {
            raw!(who, SYS_keyctl, op::LINK.number(), black_box(id), black_box(PROCESS), 0, 0)
        }
        ("link", "libkeyutils") => c!(link(black_box(id), black_box(PROCESS))),
        ("link", "linux-keyutils") => work(move || black_box(other_ring).link_key(black_box(other))),
        ("link", _) => work(move || black_box(&mut their_ring).link_key(black_box(&theirs))),

        ("search", "ours") => work(|| black_box(Keyring::PROCESS).search(KeyType::USER, black_box(NAME))),
        ("search", "bare" | "libc") => {
            let (user, name) = (c"user".as_ptr(), NAME.as_ptr());
            raw!(who, SYS_keyctl, op::SEARCH.number(), black_box(PROCESS), user, black_box(name), 0)
        }
        ("search", "libkeyutils") => {
            c!(search(black_box(PROCESS), c"user".as_ptr(), black_box(NAME).as_ptr(), 0))
        }
        ("search, &str", "ours") => {
            work(|| black_box(Keyring::PROCESS).search(KeyType::USER, black_box(NAME_STR)))
        }
        ("search, &str", "linux-keyutils") => work(move || black_box(other_ring).search(black_box(NAME_STR))),
        ("search, &str", "keyutils") => {
            work(move || black_box(&their_ring).search_for_key::<User, _, _>(black_box(NAME_STR), None))
        }

        ("add_key", "ours") => {
            work(|| black_box(Keyring::PROCESS).add_key(KeyType::USER, black_box(NAME), black_box(PAYLOAD)))
        }
        ("add_key", "bare" | "libc") => {
            let (user, name, payload) = (c"user".as_ptr(), NAME.as_ptr(), PAYLOAD.as_ptr());
            raw!(
                who,
                SYS_add_key,
                user,
                black_box(name),
                black_box(payload),
                PAYLOAD.len(),
                black_box(PROCESS)
            )
        }
        ("add_key", "libkeyutils") => {
            let (user, payload) = (c"user".as_ptr(), PAYLOAD.as_ptr().cast());
            c!(add_key(user, black_box(NAME).as_ptr(), black_box(payload), PAYLOAD.len(), black_box(PROCESS)))
        }
        ("add_key, &str", "ours") => work(|| {
            black_box(Keyring::PROCESS).add_key(KeyType::USER, black_box(NAME_STR), black_box(PAYLOAD))
        }),
        ("add_key, &str", "linux-keyutils") => {
            work(move || black_box(other_ring).add_key(black_box(NAME_STR), black_box(PAYLOAD)))
        }
        ("add_key, &str", "keyutils") => work(move || {
            black_box(&mut their_ring).add_key::<User, _, _>(black_box(NAME_STR), black_box(PAYLOAD))
        }),
        _ => return None,
    })
}

/// What a user does, on a stage of so many keys. `None` for who has no interface for it: of the bare
/// instruction, only lists are of interest, to see what of their growth is the kernel's.
pub fn task(task: &str, who: &str, keys: usize) -> Option<Work> {
    Some(match (task, who) {
        ("list", "bare") => {
            let mut links = vec![0i32; keys];
            c_work(move || bare_fetch(op::READ, PROCESS, &mut links))
        }
        ("list with descriptions", "bare") => {
            let mut links = vec![0i32; keys];
            let mut text = [0u8; MAX_DESCRIPTION];
            c_work(move || {
                let length = bare_fetch(op::READ, PROCESS, &mut links);
                for &id in &links {
                    black_box(bare_fetch(op::DESCRIBE, id, &mut text));
                }
                length
            })
        }
        (_, "bare" | "libc") => return None,

        ("deposit", "ours") => work(|| {
            let keyring = get_persistent(None, Keyring::PROCESS)?;
            keyring.add_key(KeyType::USER, NAME_STR, PAYLOAD)?.set_timeout(Timeout::from_secs(60)?)
        }),
        ("deposit", "libkeyutils") => {
            let c = LibKeyutils::open()?;
            // SAFETY: texts that end in NUL, and a payload with its length.
            c_work(move || unsafe {
                let keyring = (c.get_persistent)(REAL_UID, PROCESS) as i32;
                let payload = PAYLOAD.as_ptr().cast();
                let key = (c.add_key)(c"user".as_ptr(), NAME.as_ptr(), payload, PAYLOAD.len(), keyring);
                (c.set_timeout)(key, 60)
            })
        }
        ("deposit", "linux-keyutils") => work(|| {
            let keyring = KeyRing::get_persistent(KeyRingIdentifier::Process)?;
            keyring.add_key(NAME_STR, PAYLOAD)?.set_timeout(60)
        }),
        ("deposit", _) => work(|| {
            let mut key = keyutils_ring().attach_persistent()?.add_key::<User, _, _>(NAME_STR, PAYLOAD)?;
            key.set_timeout(Duration::from_secs(60))
        }),

        ("fetch", _) => {
            self::task("deposit", "ours", keys)?(1);
            return fetch(who);
        }
        ("renew", who) => return call("get_persistent", who),

        ("read 32 KiB", "ours") => {
            let (key, mut buffer) = (large(), vec![0; 1 << 15]);
            work(move || key.read(&mut buffer[..]).map(drop))
        }
        ("read 32 KiB", "libkeyutils") => {
            let (id, read_alloc) = (large().serial().as_raw(), LibKeyutils::open()?.read_alloc);
            // SAFETY: the function allocates what it reads.
            c_work(move || unsafe { freed(|at| read_alloc(id, at)) })
        }
        ("read 32 KiB", "linux-keyutils") => {
            let key = linux_keyutils::Key::from_id(KeySerialId::new(large().serial().as_raw()));
            work(move || key.read_to_vec())
        }
        ("read 32 KiB", _) => {
            let key = keyutils_key(large().serial().as_raw());
            work(move || key.read())
        }

        ("list", "ours") => {
            let mut links = Vec::new();
            work(move || Keyring::PROCESS.links(&mut links).map(drop))
        }
        ("list", "libkeyutils") => {
            let read_alloc = LibKeyutils::open()?.read_alloc;
            // SAFETY: the function allocates what it reads.
            c_work(move || unsafe { freed(|at| read_alloc(PROCESS, at)) })
        }
        // The two crates describe each key while they list: they have no other way.
        ("list", _) => return self::task("list with descriptions", who, keys),

        ("list with descriptions", "ours") => {
            let mut links = Vec::new();
            work(move || {
                let mut description = [0; MAX_DESCRIPTION];
                Keyring::PROCESS.links(&mut links)?.iter().try_for_each(|key| {
                    black_box(key.describe(&mut description)?);
                    Ok::<_, Error>(())
                })
            })
        }
        ("list with descriptions", "libkeyutils") => {
            let c = LibKeyutils::open()?;
            // SAFETY: the functions allocate what they read; the links are 4 bytes each.
            c_work(move || unsafe {
                let mut links: *mut c_void = ptr::null_mut();
                let length = (c.read_alloc)(PROCESS, &raw mut links);
                for i in 0..length as usize / 4 {
                    let id = *links.cast::<i32>().add(i);
                    freed(|at| (c.describe_alloc)(id, at.cast::<*mut c_char>()).into());
                }
                libc::free(links);
            })
        }
        ("list with descriptions", "linux-keyutils") => {
            let keyring = KeyRing::from_special_id(KeyRingIdentifier::Process, true).ok()?;
            // It takes the number of links for a number of bytes: four times as many get them all.
            work(move || {
                keyring.get_links(keys * 4)?.iter().try_for_each(|link| {
                    black_box(link.as_key().map(|key| key.metadata()).transpose()?);
                    Ok::<_, KeyError>(())
                })
            })
        }
        ("list with descriptions", _) => work(|| {
            let (keys, _) = keyutils_ring().read()?;
            keys.iter().try_for_each(|key| key.description().map(|found| _ = black_box(found)))
        }),

        ("scan", "ours") => {
            let mut buffer = [0; 2 * MAX_DESCRIPTION];
            work(move || Keys::open(&mut buffer)?.find(KeyType::USER, c"keyctl:bench:absent", None))
        }
        ("scan", "libkeyutils") => {
            let find = LibKeyutils::open()?.find;
            // SAFETY: texts that end in NUL. It answers -1, since there is none.
            c_work(move || -unsafe { find(c"user".as_ptr(), c"keyctl:bench:absent".as_ptr(), 0) })
        }
        _ => return None,
    })
}

/// What READ or DESCRIBE answers, by the instruction alone.
fn bare_fetch<T>(op: op::Fetch, id: i32, buffer: &mut [T]) -> isize {
    let (room, at) = (size_of_val(buffer), buffer.as_mut_ptr() as usize);
    // SAFETY: the address is of the array, with its length.
    unsafe { bare(libc::SYS_keyctl as usize, op.number() as usize, id as usize, at, room, 0) }
}

fn fetch(who: &str) -> Option<Work> {
    Some(match who {
        "ours" => {
            let mut buffer = [0; 64];
            work(move || {
                let keyring = get_persistent(None, Keyring::PROCESS)?;
                let key = keyring.search(KeyType::USER, NAME_STR)?.ok_or(Error::NoKey)?;
                key.read(&mut buffer).map(drop)
            })
        }
        "libkeyutils" => {
            let c = LibKeyutils::open()?;
            // SAFETY: texts that end in NUL; the last function allocates what it reads.
            c_work(move || unsafe {
                let keyring = (c.get_persistent)(REAL_UID, PROCESS) as i32;
                let key = (c.search)(keyring, c"user".as_ptr(), NAME.as_ptr(), 0) as i32;
                freed(|at| (c.read_alloc)(key, at))
            })
        }
        "linux-keyutils" => {
            work(|| KeyRing::get_persistent(KeyRingIdentifier::Process)?.search(NAME_STR)?.read_to_vec())
        }
        _ => work(|| {
            let keyring = keyutils_ring().attach_persistent()?;
            keyring.search_for_key::<User, _, _>(NAME_STR, None)?.read()
        }),
    })
}

/// What libkeyutils allocates, freed.
///
/// # Safety
///
/// `read` must leave there what `free` takes.
unsafe fn freed(read: impl FnOnce(*mut *mut c_void) -> libc::c_long) -> libc::c_long {
    let mut allocated: *mut c_void = ptr::null_mut();
    let length = read(&raw mut allocated);
    // SAFETY: the caller vouches for it.
    unsafe { libc::free(allocated) };
    length
}

fn large() -> Key {
    Keyring::PROCESS.add_key(KeyType::USER, c"keyctl:bench:large", &[7; 32767]).expect("a large key")
}

/// The outcome is looked at as far as `?` would; that it can be done is seen before.
fn work<T, E: Debug>(mut f: impl FnMut() -> Result<T, E> + 'static) -> Work {
    f().expect("it can be done");
    Box::new(move |rounds| {
        for _ in 0..rounds {
            black_box(f().is_ok());
        }
    })
}

/// What a C function answers is not looked at, but kept.
fn c_work<T: Default + PartialOrd>(mut f: impl FnMut() -> T + 'static) -> Work {
    assert!(f() >= T::default(), "it can be done");
    Box::new(move |rounds| {
        for _ in 0..rounds {
            black_box(f());
        }
    })
}

fn keyutils_ring() -> keyutils::Keyring {
    // SAFETY: `unsafe` because there may be no such keyring; there is.
    unsafe { keyutils::Keyring::new(KeyringSerial::new(PROCESS).expect("not 0")) }
}

fn keyutils_key(id: i32) -> keyutils::Key {
    // SAFETY: `unsafe` because there may be no such key; there is.
    unsafe { keyutils::Key::new(KeyringSerial::new(id).expect("not 0")) }
}
