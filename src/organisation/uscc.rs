//! The unified social credit code (统一社会信用代码, GB 32100-2015 with amendment 1): eighteen characters that name an enterprise.
//!
//! Checked: length, alphabet, the six digits of the region, and the check character. Not checked: whether the region exists and
//! the inner check digit of the organisation code (GB 11714), because some codes in real use fail those.

/// The characters that may occur, in the order of their values; I, O, S, V and Z are left out because they look like digits.
const ALPHABET: &[u8] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";

/// What is wrong with a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UsccFault {
    /// Not eighteen characters.
    Length,
    /// A character outside the alphabet; I, O, S, V and Z among them.
    Character,
    /// The first character names no registration authority.
    Authority,
    /// Characters 3 to 8 are not all digits.
    Region,
    /// The last character does not follow from the others.
    CheckCharacter,
}

/// Checks a code as it stands: upper case, without blanks.
///
/// # Errors
/// The first fault found, in the order of [`UsccFault`].
pub fn check_uscc(code: &str) -> Result<(), UsccFault> {
    check_uscc_shape(code)?;
    let (body, last) = code.as_bytes().split_at(17);
    // Weights are the powers of 3 modulo 31.
    let mut weight = 1;
    let mut sum = 0;
    for character in body {
        sum += weight * value(*character).ok_or(UsccFault::Character)?;
        weight = weight * 3 % 31;
    }
    // The outer modulo turns 31 into 0: a sum divisible by 31 has the check character `0`.
    let expected = (31 - sum % 31) % 31;
    match last.first().copied().and_then(value) {
        Some(found) if found == expected => Ok(()),
        _ => Err(UsccFault::CheckCharacter),
    }
}

/// Checks everything but the check character: what a listed exception must still fulfil.
///
/// # Errors
/// The first fault found.
pub fn check_uscc_shape(code: &str) -> Result<(), UsccFault> {
    let bytes = code.as_bytes();
    if code.chars().count() != 18 {
        return Err(UsccFault::Length);
    }
    if !bytes.iter().all(|byte| ALPHABET.contains(byte)) {
        return Err(UsccFault::Character);
    }
    if bytes.first() == Some(&b'0') {
        return Err(UsccFault::Authority);
    }
    if !bytes.iter().skip(2).take(6).all(u8::is_ascii_digit) {
        return Err(UsccFault::Region);
    }
    Ok(())
}

fn value(character: u8) -> Option<usize> {
    ALPHABET.iter().position(|known| *known == character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_vector_is_judged_as_an_independent_implementation_judges_it() {
        let mut zeros = 0;
        for line in include_str!("../../tests/data/uscc.txt").lines().filter(|line| !line.starts_with('#')) {
            let (verdict, code) = line.split_once(' ').unwrap();
            assert_eq!(verdict == "valid", check_uscc(code).is_ok(), "{line}");
            zeros += usize::from(verdict == "valid" && code.ends_with('0'));
        }
        assert!(zeros > 0, "sums divisible by 31 are among the vectors");
    }

    #[test]
    fn each_fault_is_named() {
        assert_eq!(check_uscc("91350100M000100Y43"), Ok(()), "the standard's own example");
        assert_eq!(check_uscc("91350100M000100Y4"), Err(UsccFault::Length));
        assert_eq!(check_uscc("9135010OM000100Y43"), Err(UsccFault::Character));
        assert_eq!(check_uscc("000000000000000000"), Err(UsccFault::Authority));
        assert_eq!(check_uscc("9135A100M000100Y43"), Err(UsccFault::Region));
        assert_eq!(check_uscc("91350100M000100Y44"), Err(UsccFault::CheckCharacter));
    }
}
