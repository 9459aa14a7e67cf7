//! Witnesses: what the kernel says of keys, asked through the crate's raw door.
//!
//! Thin on purpose: one function for each operation, nothing kept, the kernel's answer as it is.

use std::ffi::CStr;

use keyctl::syscall::{self, Arg, op};
use keyctl::{Error, Key, KeySerial, Keyring, Result, Uid};

fn id(key: impl Into<Key>) -> Arg {
    key.into().serial().into()
}

fn key<K: From<KeySerial>>(serial: usize) -> K {
    KeySerial::from_raw(serial.try_into().unwrap()).unwrap().into()
}

/// Any operation without an address, on whatever it is given.
pub fn plain(op: op::Plain, arg2: Arg, arg3: Arg, arg4: Arg) -> Result<usize> {
    // SAFETY: a plain operation takes no address.
    unsafe { syscall::keyctl(op.number(), arg2, arg3, arg4, Arg::ZERO) }
}

/// As `get_persistent`, with all four registers for the asking.
pub fn get_persistent(uid: Arg, keyring: Arg, arg4: Arg, arg5: Arg) -> Result<usize> {
    // SAFETY: the operation takes two numbers, and no more.
    unsafe { syscall::keyctl(op::GET_PERSISTENT.number(), uid, keyring, arg4, arg5) }
}

/// The serial of the keyring that a special id stands for. It is not made for the asking.
pub fn resolve(special: Keyring) -> Result<Keyring> {
    plain(op::GET_KEYRING_ID, id(special), Arg::ZERO, Arg::ZERO).map(key)
}

pub fn link(key: impl Into<Key>, keyring: Keyring) -> Result<()> {
    plain(op::LINK, id(key), id(keyring), Arg::ZERO).map(drop)
}

pub fn unlink(key: impl Into<Key>, keyring: Keyring) -> Result<()> {
    plain(op::UNLINK, id(key), id(keyring), Arg::ZERO).map(drop)
}

pub fn clear(keyring: Keyring) -> Result<()> {
    plain(op::CLEAR, id(keyring), Arg::ZERO, Arg::ZERO).map(drop)
}

/// Whether a key grants search, answered by its number.
pub fn seek(key: impl Into<Key>) -> Result<usize> {
    plain(op::GET_KEYRING_ID, id(key), Arg::ZERO, Arg::ZERO)
}

pub fn update(key: impl Into<Key>, payload: &[u8]) -> Result<()> {
    let (op, address, length) = (op::UPDATE.number(), payload.as_ptr().into(), payload.len().into());
    // SAFETY: a payload of that length.
    unsafe { syscall::keyctl(op, id(key), address, length, Arg::ZERO) }.map(drop)
}

pub fn revoke(key: impl Into<Key>) -> Result<()> {
    plain(op::REVOKE, id(key), Arg::ZERO, Arg::ZERO).map(drop)
}

pub fn invalidate(key: impl Into<Key>) -> Result<()> {
    plain(op::INVALIDATE, id(key), Arg::ZERO, Arg::ZERO).map(drop)
}

pub fn set_permissions(key: impl Into<Key>, mask: u32) -> Result<()> {
    plain(op::SETPERM, id(key), mask.into(), Arg::ZERO).map(drop)
}

pub fn set_timeout(key: impl Into<Key>, seconds: u32) -> Result<()> {
    plain(op::SET_TIMEOUT, id(key), seconds.into(), Arg::ZERO).map(drop)
}

/// To another owner, in the same group.
pub fn chown(key: impl Into<Key>, owner: Uid) -> Result<()> {
    plain(op::CHOWN, id(key), Some(owner).into(), u32::MAX.into()).map(drop)
}

/// What may be linked into a keyring from now on: by default nothing.
pub fn restrict(keyring: Keyring, to: Option<(&CStr, &CStr)>) -> Result<()> {
    let (key_type, restriction) = to.map_or((Arg::ZERO, Arg::ZERO), |(t, r)| (t.into(), r.into()));
    let op = op::RESTRICT_KEYRING.number();
    // SAFETY: two texts that end in NUL, or none.
    unsafe { syscall::keyctl(op, id(keyring), key_type, restriction, Arg::ZERO) }.map(drop)
}

/// Gives this thread another session keyring: a new one, or the one of that name.
pub fn join_session(name: Option<&CStr>) -> Result<usize> {
    let name = name.map_or(Arg::ZERO, Arg::from);
    // SAFETY: a text that ends in NUL, or none.
    unsafe { syscall::keyctl(op::JOIN_SESSION_KEYRING.number(), name, Arg::ZERO, Arg::ZERO, Arg::ZERO) }
}

/// The first byte of what the kernel can do, `KEYCTL_CAPS0_*`.
pub fn capabilities() -> Result<u8> {
    let mut bits = 0u8;
    // SAFETY: one byte that is ours to be written.
    unsafe {
        syscall::keyctl(op::CAPABILITIES.number(), (&raw mut bits).into(), 1u32.into(), Arg::ZERO, Arg::ZERO)
    }?;
    Ok(bits)
}

/// Whether an asymmetric key can be used in this encoding.
pub fn pkey_query(key: Key, encoding: &CStr) -> Result<()> {
    let mut found = [0u8; 56];
    let result = found.as_mut_ptr().into();
    // SAFETY: a text that ends in NUL, and the 56 bytes of the result.
    unsafe { syscall::keyctl(op::PKEY_QUERY.number(), id(key), Arg::ZERO, encoding.into(), result) }.map(drop)
}

/// `type;uid;gid;permissions;description`
pub fn describe(key: impl Into<Key>) -> Result<String> {
    let mut text = fill(op::DESCRIBE, id(key))?;
    assert_eq!(text.pop(), Some(0));
    Ok(String::from_utf8(text).unwrap())
}

/// The description alone, of whatever bytes.
pub fn description(key: impl Into<Key>) -> Result<Vec<u8>> {
    let text = fill(op::DESCRIBE, id(key))?;
    let description = text.splitn(5, |&byte| byte == b';').nth(4).unwrap();
    Ok(description.strip_suffix(b"\0").unwrap().to_vec())
}

/// The payload.
pub fn read(key: impl Into<Key>) -> Result<Vec<u8>> {
    fill(op::READ, id(key))
}

/// The links of a keyring.
pub fn links(keyring: Keyring) -> Result<Vec<Key>> {
    let link = |raw: &[u8]| KeySerial::from_raw(i32::from_ne_bytes(raw.try_into().unwrap())).unwrap().into();
    Ok(read(keyring)?.chunks_exact(4).map(link).collect())
}

fn fill(op: op::Fetch, key: Arg) -> Result<Vec<u8>> {
    let mut buffer = vec![0; 1 << 16];
    // SAFETY: the buffer is ours to be written, over its whole length.
    let length = unsafe {
        syscall::keyctl(op.number(), key, buffer.as_mut_ptr().into(), buffer.len().into(), Arg::ZERO)
    }?;
    assert!(length <= buffer.len(), "{length} bytes are too many");
    buffer.truncate(length);
    Ok(buffer)
}

pub fn search(keyring: Keyring, key_type: &CStr, description: &CStr) -> Result<Key> {
    let op = op::SEARCH.number();
    // SAFETY: two texts that end in NUL.
    unsafe { syscall::keyctl(op, id(keyring), key_type.into(), description.into(), Arg::ZERO) }.map(key)
}

/// In the keyrings of this thread, its process and its session; none is made.
pub fn request_key(key_type: &CStr, description: &CStr) -> Result<Key> {
    // SAFETY: two texts that end in NUL.
    unsafe { syscall::request_key(key_type.into(), description.into(), Arg::ZERO, Arg::ZERO) }.map(Key::from)
}

/// As [`request_key`], and where there is no key, has the kernel's helper program make one.
pub fn request_key_with(
    key_type: &CStr,
    description: &CStr,
    callout: &CStr,
    destination: Keyring,
) -> Result<Key> {
    let (key_type, description, callout) = (key_type.into(), description.into(), callout.into());
    // SAFETY: three texts that end in NUL.
    unsafe { syscall::request_key(key_type, description, callout, id(destination)) }.map(Key::from)
}

pub fn add_key(key_type: &CStr, description: &CStr, payload: &[u8], keyring: Keyring) -> Result<Key> {
    let (address, length) = (payload.as_ptr().into(), payload.len());
    // SAFETY: two texts that end in NUL, and a payload of that length.
    unsafe { syscall::add_key(key_type.into(), description.into(), address, length, id(keyring)) }
        .map(Key::from)
}

/// Whether `add_key` reaches the kernel's key service: no type has a name of no length.
pub fn add_key_answers() -> Result<()> {
    // SAFETY: two texts that end in NUL, and a payload of no length.
    match unsafe { syscall::add_key(c"".into(), c"".into(), Arg::ZERO, 0, Arg::ZERO) } {
        Err(Error::InvalidArgument) => Ok(()),
        other => other.map(drop),
    }
}
