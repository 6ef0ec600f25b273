//! Texts of people inside messages: made harmless, cut on character boundaries, laid out within a provider's limit.
//!
//! None of the providers documents an escape, so characters with a meaning are replaced by their full-width twins, which read
//! the same in Chinese text and mean nothing to any parser.

use super::{Line, Link, RenderError};

/// One line without control characters, mentions, tags or anything a chat app would turn into a link.
#[must_use]
pub fn plain(text: &str) -> String {
    harmless(text, |c| match c {
        '@' => Some('＠'),
        '<' => Some('＜'),
        '>' => Some('＞'),
        _ => None,
    })
}

/// [`plain`], and no Markdown either.
#[must_use]
pub fn markdown(text: &str) -> String {
    harmless(text, |c| match c {
        '@' => Some('＠'),
        '<' => Some('＜'),
        '>' => Some('＞'),
        '[' => Some('［'),
        ']' => Some('］'),
        // Of a masked phone, too: 138＊＊＊＊5678. Left as they are, the asterisks of two phones would set what stands between them in bold and
        // be gone themselves; where nobody reads Markdown they stay.
        '*' => Some('＊'),
        '_' => Some('＿'),
        '`' => Some('｀'),
        '~' => Some('～'),
        '#' => Some('＃'),
        '|' => Some('｜'),
        '\\' => Some('＼'),
        '&' => Some('＆'),
        '!' => Some('！'),
        _ => None,
    })
}

/// The non-empty lines of a text, each escaped.
#[must_use]
pub fn block(text: &str, escape: fn(&str) -> String) -> Vec<String> {
    text.split(is_line_break).map(escape).filter(|line| !line.is_empty()).collect()
}

/// The text itself when it fits, else its beginning with `…`, never more than `max` bytes of UTF-8 and never half a character.
#[must_use]
pub fn cut(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let Some(room) = max.checked_sub('…'.len_utf8()) else { return String::new() };
    let end = (0..=room).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let kept = text.get(..end).unwrap_or_default();
    // A joiner or variation selector without its successor would show as a box.
    let kept = kept.trim_end_matches(|c: char| c == '\u{200d}' || c == '\u{fe0f}' || c.is_whitespace());
    format!("{kept}…")
}

/// A part of a message that may be cut, unless it is kept: a fixed prefix, then text.
#[derive(Debug)]
pub struct Part {
    pub prefix: String,
    pub text: String,
    pub kept: bool,
}

/// A single fact must not push the others off the screen.
const VALUE_MAX: usize = 300;
/// Bytes of a label.
pub const LABEL_MAX: usize = 60;
/// About eight hundred Chinese characters: what somebody reads on a phone.
const BODY_MAX: usize = 2400;
/// Bytes of what a link or button says.
pub const LINK_TEXT_MAX: usize = 60;

/// Escaped and at most `max` bytes; a text of any length costs no more than a few times `max`.
#[must_use]
pub fn short(text: &str, escape: fn(&str) -> String, max: usize) -> String {
    cut(&escape(&cut(text, max.saturating_mul(4))), max)
}

/// The facts of a message, in order; `framed` makes the fixed prefix out of a harmless label.
#[must_use]
pub fn facts(lines: &[Line], escape: fn(&str) -> String, framed: fn(&str) -> String) -> Vec<Part> {
    let part = |line: &Line| Part {
        prefix: framed(&short(&line.label, escape, LABEL_MAX)),
        text: short(&line.value, escape, VALUE_MAX),
        kept: line.kept,
    };
    lines.iter().map(part).filter(|part| !part.text.is_empty()).collect()
}

/// Free text, every line behind `mark`, so that none passes for a fact.
#[must_use]
pub fn quoted(body: &str, escape: fn(&str) -> String, mark: &str) -> Vec<Part> {
    let lines = block(&cut(body, BODY_MAX), escape);
    lines.into_iter().map(|text| Part { prefix: mark.to_owned(), text, kept: false }).collect()
}

/// What a link or button says.
#[must_use]
pub fn link_text(link: &Link, escape: fn(&str) -> String) -> String {
    match short(&link.text, escape, LINK_TEXT_MAX) {
        text if text.is_empty() => "查看".to_owned(),
        text => text,
    }
}

/// A Markdown link; brackets in the address are encoded, for no provider parses them nested.
#[must_use]
pub fn markdown_link(link: &Link) -> String {
    let url = link.url.as_str().replace('(', "%28").replace(')', "%29");
    format!("[{}]({url})", link_text(link, markdown))
}

/// A title that stands out where nothing is bold: `【标题】`; one that begins with a mark of its own stays as it is.
pub fn headline(title: &str) -> String {
    if title.starts_with('【') { title.to_owned() } else { format!("【{title}】") }
}

/// Joins head, parts and tail by `newline` within `max` bytes. Head, tail and the parts that are kept stay whole, the other parts are cut
/// from the end.
///
/// Fails when head and tail alone are too long; then nothing is kept where there is no room for it.
pub fn layout(
    newline: &str,
    max: usize,
    head: &str,
    parts: &[Part],
    tail: &[String],
) -> Result<String, RenderError> {
    let fixed: usize = head.len() + tail.iter().map(|line| newline.len() + line.len()).sum::<usize>();
    let room = max.checked_sub(fixed).ok_or(RenderError::TooLong { bytes: fixed, limit: max })?;
    let frame = |part: &Part| newline.len() + part.prefix.len();
    let kept: usize = parts.iter().filter(|part| part.kept).map(|part| frame(part) + part.text.len()).sum();
    let (mut room, keeps) = room.checked_sub(kept).map_or((room, false), |room| (room, true));
    let mut out = head.to_owned();
    let mut say = |prefix: &str, text: &str| {
        for piece in [newline, prefix, text] {
            out.push_str(piece);
        }
    };
    let mut full = false;
    for part in parts {
        if keeps && part.kept {
            say(&part.prefix, &part.text);
            continue;
        }
        let text = cut(&part.text, room.saturating_sub(frame(part)));
        let bytes = frame(part) + text.len();
        if full || text.is_empty() || bytes > room {
            full = true;
            continue;
        }
        room -= bytes;
        say(&part.prefix, &text);
        full = text != part.text;
    }
    for line in tail {
        out.push_str(newline);
        out.push_str(line);
    }
    Ok(out)
}

fn is_line_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Invisible characters that reorder, hide or break up text. The zero-width joiner stays: emoji need it.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn harmless(text: &str, replacement: fn(char) -> Option<char>) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut before = ' ';
    let mut rest = text.chars().filter(|c| !is_invisible(*c)).peekable();
    while let Some(c) = rest.next() {
        let c = if c.is_whitespace() || c.is_control() || is_line_break(c) { ' ' } else { c };
        if c == ' ' && before == ' ' {
            continue;
        }
        let joins = |next: Option<&char>, wanted: fn(char) -> bool| next.is_some_and(|next| wanted(*next));
        let shown = match c {
            // `https://…` and every other scheme.
            ':' if joins(rest.peek(), |next| next == '/') => '：',
            // `www.example.cn`: a dot that holds letters together. Decimals and dates stay as they are.
            '.' if before.is_alphanumeric() && joins(rest.peek(), char::is_alphabetic) => '．',
            c => replacement(c).unwrap_or(c),
        };
        out.push(shown);
        before = c;
    }
    let end = out.trim_end().len();
    out.truncate(end);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_looks_like_a_command_becomes_text() {
        assert_eq!(
            markdown("看 [这里](https://evil.cn/a?b=1) @all <@all>"),
            "看 ［这里］(https：//evil．cn/a?b=1) ＠all ＜＠all＞"
        );
        assert_eq!(markdown("**紧急**\n> 联系电话：1"), "＊＊紧急＊＊ ＞ 联系电话：1");
        assert_eq!(plain("a\u{202e}b\u{0}c\t\t d\r\n e"), "ab c d e");
        assert_eq!(plain("3.5 吨，2026.3.1，www.x.cn，1.2.3.4"), "3.5 吨，2026.3.1，www．x．cn，1.2.3.4");
        assert_eq!(block("一\n\n  \n二\u{2028}三", plain), ["一", "二", "三"]);
    }

    #[test]
    fn what_is_kept_is_whole_however_much_else_there_is() {
        let part = |text: &str, kept| Part { prefix: "- ".to_owned(), text: text.to_owned(), kept };
        let parts = [part(&"长".repeat(90), false), part("中", false), part("为何", true), part("末", false)];
        let laid = layout("\n", 60, "题", &parts, &["尾".to_owned()]).unwrap();
        assert_eq!(laid, format!("题\n- {}…\n- 为何\n尾", "长".repeat(12)));
        assert_eq!(
            layout("\n", 12, "题", &parts, &["尾".to_owned()]).unwrap(),
            "题\n尾",
            "there is no room for it"
        );
    }

    #[test]
    fn cutting_keeps_characters_whole() {
        assert_eq!(cut("停电停电", 12), "停电停电");
        assert_eq!(cut("停电停电", 11), "停电…");
        assert_eq!(cut("停电", 2), "");
        assert_eq!(cut("👨‍🔧修理", 10), "👨…");
    }

    proptest! {
        #[test]
        fn a_cut_is_a_prefix_within_the_limit(text in ".*", max in 0_usize..80) {
            let short = cut(&text, max);
            prop_assert!(short.len() <= max);
            if text.len() <= max {
                prop_assert_eq!(&short, &text);
            } else {
                prop_assert!(text.starts_with(short.trim_end_matches('…')));
            }
        }

        #[test]
        fn escaped_text_has_no_power_and_escaping_twice_changes_nothing(text in "(\\PC|[@<>\\[\\]*_`~#|&!:/.\\n\\r\\t\u{202e}\u{200b}\u{2028}]|https?://|www\\.a|<@all>){0,40}") {
            let escapes: [fn(&str) -> String; 2] = [plain, markdown];
            for escape in escapes {
                let safe = escape(&text);
                let forbidden = |c: char| c.is_control() || is_invisible(c) || is_line_break(c) || "@<>".contains(c);
                prop_assert!(!safe.contains(forbidden) && !safe.contains(":/"), "{}", safe);
                prop_assert_eq!(escape(&safe), safe);
            }
            let quiet = markdown(&text);
            prop_assert!(!quiet.contains(|c| "[]*_`~#|\\&!".contains(c)), "{}", quiet);
        }

        #[test]
        fn no_letters_are_joined_by_a_dot(text in "[a-z.電1 ]{0,30}") {
            let letters: Vec<char> = plain(&text).chars().collect();
            prop_assert!(!letters.windows(3).any(|w| w[0].is_alphanumeric() && w[1] == '.' && w[2].is_alphabetic()));
        }

        #[test]
        fn a_layout_keeps_its_head_and_tail_whole(
            max in 20_usize..300,
            parts in proptest::collection::vec(("\\PC{0,8}", "\\PC{0,60}"), 0..6),
        ) {
            let parts: Vec<Part> = parts.into_iter().map(|(prefix, text)| Part { prefix, text, kept: false }).collect();
            let tail = ["[办](http://x/y)".to_owned()];
            let out = layout("\n", max, "题", &parts, &tail);
            if let Ok(out) = out {
                prop_assert!(out.len() <= max);
                prop_assert!(out.starts_with('题') && out.ends_with("\n[办](http://x/y)"));
            } else {
                prop_assert!(max < "题\n[办](http://x/y)".len());
            }
        }
    }
}
