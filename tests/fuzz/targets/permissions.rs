//! A mask is its four bytes, each with its letters.
#![no_main]

use keyctl::{Permissions, Rights};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|mask: u32| {
    let permissions = Permissions::from_raw(mask);
    assert_eq!(permissions.as_raw(), mask);
    let subjects =
        [permissions.of_possessor(), permissions.of_user(), permissions.of_group(), permissions.of_other()];
    assert_eq!(subjects.map(|rights| rights.bits()), mask.to_be_bytes());

    let [possessor, user, group, other] = subjects;
    let anything = Permissions::from_raw(mask.rotate_left(9));
    assert_eq!(anything.other(other).group(group).user(user).possessor(possessor), permissions);

    let printed = permissions.to_string();
    let letters = mask.to_be_bytes().map(|byte| {
        let letter = |(i, letter): (usize, char)| if byte & (0x20 >> i) == 0 { '-' } else { letter };
        "alswrv".chars().enumerate().map(letter).collect::<String>()
    });
    assert_eq!(printed, letters.concat());
    assert_eq!(subjects.map(|rights: Rights| rights.to_string()), letters);
    assert_eq!(format!("{permissions:?}"), format!("Permissions({printed})"));
});
