//! Three certificates: an authority that signed itself, one that it signed, and one that the latter signed.
//!
//! They are RSA of 2048 bits with SHA-256 and both key identifiers, by OpenSSL (`req -x509`, then
//! `x509 -req` with `subjectKeyIdentifier` and `authorityKeyIdentifier`); the private keys are gone.

pub const CA: &[u8] = include_bytes!("x509/ca.der");
pub const MIDDLE: &[u8] = include_bytes!("x509/middle.der");
pub const LEAF: &[u8] = include_bytes!("x509/leaf.der");

/// With another serial number than what was signed.
pub fn tampered(certificate: &[u8]) -> Vec<u8> {
    let mut tampered = certificate.to_vec();
    // Behind three headers and the version.
    tampered[16] ^= 1;
    tampered
}

/// With a signature by an algorithm that nobody knows.
pub fn unknown_algorithm(certificate: &[u8]) -> Vec<u8> {
    const SHA256_RSA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11];
    let mut patched = certificate.to_vec();
    let at = |bytes: &[u8]| bytes.windows(9).position(|id| id == SHA256_RSA);
    while let Some(start) = at(&patched) {
        patched[start + 8] = 127;
    }
    patched
}

/// With this serial number and without extensions: what the kernel derives a description from is the subject
/// and that number, in hexadecimal.
pub fn with_serial(certificate: &[u8], serial: &[u8]) -> Vec<u8> {
    const SEQUENCE: u8 = 0x30;
    let (signed, signature) = split(split(certificate).0);
    let (version, rest) = signed.split_at(5);
    let (_, mut rest) = split(rest);
    let mut body = [version, &element(0x02, serial)].concat();
    // Algorithm, issuer, validity, subject and public key.
    for _ in 0..5 {
        let whole = rest;
        rest = split(rest).1;
        body.extend(&whole[..whole.len() - rest.len()]);
    }
    element(SEQUENCE, &[&element(SEQUENCE, &body), signature].concat())
}

/// The content of the first element, and what comes behind it. For lengths of up to 16 bits.
fn split(der: &[u8]) -> (&[u8], &[u8]) {
    let (start, length) = match der[1] {
        0x81 => (3, der[2].into()),
        0x82 => (4, usize::from(der[2]) << 8 | usize::from(der[3])),
        length => (2, length.into()),
    };
    der[start..].split_at(length)
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    // Longer than need be, where it is short; the kernel takes that.
    let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x82, high, low], content].concat()
}
