//! Masking of what must not be read by everybody.

/// A phone number with its middle hidden: `138****5678`; a short one keeps only its last two digits.
#[must_use]
pub fn mask_phone(phone: &str) -> String {
    let chars: Vec<char> = phone.chars().collect();
    match chars.len() {
        0 => String::new(),
        1..=6 => {
            let tail: String = chars.iter().skip(chars.len().saturating_sub(2)).collect();
            format!("****{tail}")
        }
        length => {
            let head: String = chars.iter().take(3).collect();
            let tail: String = chars.iter().skip(length - 4).collect();
            format!("{head}****{tail}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_hidden() {
        assert_eq!(mask_phone("13812345678"), "138****5678");
        assert_eq!(mask_phone("0913-0002035"), "091****2035");
        assert_eq!(mask_phone("12345"), "****45");
        assert_eq!(mask_phone(""), "");
    }
}
