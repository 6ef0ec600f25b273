//! Words that people type. They are stored as typed, minus what cannot be seen and only misleads: control characters, zero-width
//! characters and the marks that turn reading direction around. Emoji stay, joined ones too. Nothing is normalised: Unicode's
//! composed form would replace rare characters of personal names.

use super::problem::FieldError;

/// What one field accepts: how many characters, and whether it may have several lines.
#[derive(Clone, Copy, Debug)]
pub struct TextRule {
    max: usize,
    lines: bool,
}

impl TextRule {
    /// One line of at most `max` characters; line breaks become spaces.
    #[must_use]
    pub const fn line(max: usize) -> Self {
        Self { max, lines: false }
    }

    /// Several lines of at most `max` characters together.
    #[must_use]
    pub const fn block(max: usize) -> Self {
        Self { max, lines: true }
    }

    /// Text that must say something.
    ///
    /// # Errors
    /// `required` when nothing visible is left, `too_long`.
    pub fn required(self, field: &str, text: &str) -> Result<String, FieldError> {
        self.optional(field, Some(text))?
            .ok_or_else(|| FieldError::new(field, "required", "必填", "required"))
    }

    /// Text that may be missing; blank counts as missing.
    ///
    /// # Errors
    /// `too_long`
    pub fn optional(self, field: &str, text: Option<&str>) -> Result<Option<String>, FieldError> {
        let clean = clean(text.unwrap_or_default(), self.lines);
        if clean.is_empty() {
            return Ok(None);
        }
        if clean.chars().count() > self.max {
            let max = self.max;
            return Err(FieldError::new(
                field,
                "too_long",
                format!("最多 {max} 个字"),
                format!("at most {max} characters"),
            ));
        }
        Ok(Some(clean))
    }
}

fn clean(text: &str, lines: bool) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(char) = rest.next() {
        match char {
            '\r' if rest.peek() == Some(&'\n') => {}
            '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => clean.push(if lines { '\n' } else { ' ' }),
            '\t' => clean.push(if lines { '\t' } else { ' ' }),
            // Joins emoji (👨‍👩‍👧); between letters it is invisible.
            '\u{200D}' => {
                let joins = |side: Option<&char>| side.is_some_and(|side| is_symbol(*side));
                if joins(clean.chars().next_back().as_ref()) && joins(rest.peek()) {
                    clean.push(char);
                }
            }
            char if char.is_control() || is_invisible(char) => {}
            char => clean.push(char),
        }
    }
    match clean.trim() {
        trimmed if trimmed.len() == clean.len() => clean,
        trimmed => trimmed.to_owned(),
    }
}

/// Can be part of an emoji: visible, and neither letter, digit nor space.
fn is_symbol(char: char) -> bool {
    !(char.is_ascii()
        || char.is_alphanumeric()
        || char.is_whitespace()
        || char.is_control()
        || is_invisible(char))
}

/// Zero-width characters, direction marks, the byte order mark, interlinear marks and invisible tags.
const fn is_invisible(char: char) -> bool {
    matches!(
        char,
        '\u{AD}'
            | '\u{61C}'
            | '\u{180E}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{FEFF}'
            | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E007F}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_cannot_be_seen_is_gone_and_what_can_stays() {
        let block = TextRule::block(100);
        let typed = "  停电了\u{0}\u{7}\u{202E}，\u{200B}请来\r\n看看\u{9f}\t谢谢 ";
        assert_eq!(block.required("text", typed).unwrap(), "停电了，请来\n看看\t谢谢");
        for emoji in
            ["👨\u{200D}👩\u{200D}👧", "🏳\u{FE0F}\u{200D}🌈", "👩🏽\u{200D}🔧", "❤\u{FE0F}", "🇨🇳", "𠮷"]
        {
            assert_eq!(block.required("text", emoji).unwrap(), emoji);
        }
        assert_eq!(block.required("text", "用\u{200D}户").unwrap(), "用户");
    }

    #[test]
    fn a_line_stays_one_line() {
        assert_eq!(TextRule::line(10).required("name", "甲\n乙\t丙").unwrap(), "甲 乙 丙");
    }

    #[test]
    fn length_counts_characters_and_blank_is_missing() {
        let rule = TextRule::line(3);
        assert!(rule.required("name", "一二三").is_ok());
        assert_eq!(rule.required("name", "一二三四").unwrap_err().code, "too_long");
        assert_eq!(rule.required("name", " \u{200B}\u{0} ").unwrap_err().code, "required");
        assert_eq!(rule.optional("name", Some("  ")).unwrap(), None);
        assert_eq!(rule.optional("name", None).unwrap(), None);
    }

    proptest! {
        #[test]
        fn cleaning_twice_changes_nothing_and_leaves_no_control_character(text: String) {
            let once = clean(&text, true);
            prop_assert_eq!(clean(&once, true), once.clone());
            prop_assert!(!once.chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
        }
    }
}
