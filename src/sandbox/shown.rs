//! A message as the chat app would show it: title, lines, links, people called. Markdown is read as far as the platforms' robots
//! understand it; the page shows texts as texts, so nothing here is ever markup again.

use serde::Serialize;
use serde_json::Value;

/// A link or button; http and https only, anything else is shown as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShownLink {
    pub text: String,
    pub url: String,
}

/// A button behind which the platform calls the sender back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShownButton {
    pub text: String,
    /// What comes back.
    #[serde(skip)]
    pub value: Value,
}

/// What people see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    pub title: String,
    pub lines: Vec<String>,
    pub links: Vec<ShownLink>,
    pub buttons: Vec<ShownButton>,
    pub mentions: Vec<String>,
}

impl Shown {
    /// Plain text: bare addresses become links, as chat apps do.
    #[must_use]
    pub fn text(content: &str) -> Self {
        let mut shown = Self::default();
        for line in content.lines() {
            let address = line.find("http://").or_else(|| line.find("https://"));
            let (before, address) = address.and_then(|at| line.split_at_checked(at)).unwrap_or((line, ""));
            let (address, after) = match address.find(char::is_whitespace) {
                Some(end) => address.split_at_checked(end).unwrap_or((address, "")),
                None => (address, ""),
            };
            if address.is_empty() {
                shown.lines.push(line.to_owned());
            } else {
                shown = shown.with_link(before.trim_end_matches(['：', ':', ' ']), address);
                shown.lines.extend(Some(after.trim().to_owned()).filter(|after| !after.is_empty()));
            }
        }
        shown.lift_title()
    }

    /// The Markdown of the robots.
    #[must_use]
    pub fn markdown(title: &str, content: &str) -> Self {
        let mut shown = Self { title: title.to_owned(), ..Self::default() };
        shown.add_markdown(content);
        shown.lift_title()
    }

    pub fn add_markdown(&mut self, content: &str) {
        for line in content.lines() {
            let line = line.trim_end();
            let (mark, line) = line.strip_prefix("> ").map_or(("", line), |line| ("│ ", line));
            let line = line.trim_start_matches('#').trim_start().replace("**", "");
            let text = self.take_markup(&line);
            if !text.trim().is_empty() {
                self.lines.push(format!("{mark}{}", text.trim()));
            }
        }
    }

    /// A message without a form of its own: its JSON, readable.
    #[must_use]
    pub fn any(title: &str, content: &Value) -> Self {
        let pretty = serde_json::to_string_pretty(content).unwrap_or_default();
        let mut shown = Self {
            title: title.to_owned(),
            lines: pretty.lines().map(str::to_owned).collect(),
            ..Self::default()
        };
        if let Some(url) = content.get("url").or_else(|| content.pointer("/link/url")).and_then(Value::as_str)
        {
            shown = shown.with_link("查看", url);
        }
        shown
    }

    #[must_use]
    pub fn with_link(mut self, text: &str, url: &str) -> Self {
        self.add_link(text, url);
        self
    }

    fn add_link(&mut self, text: &str, url: &str) {
        let text = if text.is_empty() { "查看" } else { text };
        if url.starts_with("http://") || url.starts_with("https://") {
            self.links.push(ShownLink { text: text.to_owned(), url: url.to_owned() });
        } else {
            self.lines.push(format!("{text} {url}"));
        }
    }

    /// Takes links and mentions out of a line; answers what is left to read.
    fn take_markup(&mut self, line: &str) -> String {
        let mut rest = line;
        let mut left = String::new();
        while let Some(at) = rest.find(['[', '<']) {
            let (before, markup) = rest.split_at_checked(at).unwrap_or((rest, ""));
            left.push_str(before);
            if let Some((text, url, after)) = link(markup) {
                self.add_link(text, url);
                rest = after;
            } else if let Some((name, after)) = mention(markup) {
                self.mentions.push(if name == "all" { "所有人".to_owned() } else { name.to_owned() });
                rest = after;
            } else {
                let mut chars = markup.chars();
                left.extend(chars.next());
                rest = chars.as_str();
            }
        }
        left.push_str(rest);
        left
    }

    /// The first line stands for a missing title, and is not repeated under the same title.
    fn lift_title(mut self) -> Self {
        let first = self.lines.first().cloned().unwrap_or_default();
        if !first.is_empty() && (self.title.is_empty() || self.title == first) {
            self.title = self.lines.remove(0);
        }
        self
    }
}

/// `[text](url)` and what follows.
fn link(markup: &str) -> Option<(&str, &str, &str)> {
    let (text, rest) = markup.strip_prefix('[')?.split_once("](")?;
    let (url, after) = rest.split_once(')')?;
    (!text.contains('[')).then_some((text, url, after))
}

/// `<@userid>` of WeCom, `<at id=…></at>` and `<at user_id="…">…</at>` of Feishu, and what follows.
fn mention(markup: &str) -> Option<(&str, &str)> {
    if let Some(rest) = markup.strip_prefix("<@") {
        return rest.split_once('>');
    }
    let (inside, rest) = markup.strip_prefix("<at ")?.split_once('>')?;
    let (_, name) = inside.split_once('=')?;
    let (_, after) = rest.split_once("</at>")?;
    Some((name.trim_matches('"'), after))
}

/// The strings of a JSON list.
#[must_use]
pub fn strings(list: Option<&Value>) -> Vec<String> {
    let list = list.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|value| value.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_is_read_as_the_clients_show_it() {
        let shown = Shown::markdown(
            "新诉求",
            "### 新诉求\n**企业**：三原  \n> [假](javascript:x) 引用\n[接单](https://a/b)\n<@u1><at id=all></at> 1 < 2 [x]",
        );
        assert_eq!(shown.title, "新诉求");
        assert_eq!(shown.lines, ["企业：三原", "假 javascript:x", "│ 引用", "1 < 2 [x]"]);
        assert_eq!(shown.links, [ShownLink { text: "接单".to_owned(), url: "https://a/b".to_owned() }]);
        assert_eq!(shown.mentions, ["u1", "所有人"]);
    }

    #[test]
    fn plain_text_turns_addresses_into_links() {
        let shown = Shown::text("【诉求】\n接单：https://a/b?c=1 谢谢\n<script>");
        assert_eq!((shown.title.as_str(), shown.lines.len()), ("【诉求】", 2));
        assert_eq!(shown.links, [ShownLink { text: "接单".to_owned(), url: "https://a/b?c=1".to_owned() }]);
        assert_eq!(shown.lines, ["谢谢", "<script>"]);
    }
}
