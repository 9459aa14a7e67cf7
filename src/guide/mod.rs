//! Pages on what the man pages leave out.

#[doc = include_str!("possession.md")]
pub mod possession {}

#[doc = include_str!("sandboxes.md")]
pub mod sandboxes {}
