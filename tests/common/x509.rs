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
