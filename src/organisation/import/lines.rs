//! On which line of `county.toml` something stands.

use toml_edit::{Array, ArrayOfTables, ImDocument, Item, TableLike, Value};

/// The file, as far as it is TOML.
#[derive(Debug, Default)]
pub struct Lines {
    document: Option<ImDocument<String>>,
}

/// Where a file stops being TOML, and what is said of it there.
#[derive(Debug)]
pub struct Broken {
    pub line: u64,
    pub why: String,
}

impl Lines {
    /// Reads the file.
    ///
    /// # Errors
    /// Where it is broken.
    pub fn read(text: &str) -> Result<Self, Broken> {
        match ImDocument::parse(text.to_owned()) {
            Ok(document) => Ok(Self { document: Some(document) }),
            Err(error) => Err(Broken {
                line: error.span().map_or(0, |span| line_at(text, span.start)),
                why: error.message().to_owned(),
            }),
        }
    }

    /// The line of what a path names (`settings.ladder.clocks.accept[2].at`), or of as much of it as is there; 0: nothing of it is.
    #[must_use]
    pub fn of(&self, path: &str) -> u64 {
        let Some(document) = &self.document else { return 0 };
        let mut node = Node::Table(document.as_table());
        let mut start = None;
        for step in path.split(['.', '[']).filter(|step| !step.is_empty()) {
            let (found, next) = match node.child(step) {
                Some(child) => child,
                None => break,
            };
            start = found.or(start);
            node = next;
        }
        start.map_or(0, |start| line_at(document.raw(), start))
    }
}

fn line_at(text: &str, offset: usize) -> u64 {
    let breaks = text.bytes().take(offset).filter(|byte| *byte == b'\n').count();
    u64::try_from(breaks).unwrap_or(0) + 1
}

enum Node<'a> {
    Table(&'a dyn TableLike),
    Array(&'a Array),
    Tables(&'a ArrayOfTables),
    Leaf,
}

impl<'a> Node<'a> {
    /// What stands below under a key, or under a place counted from zero (`2]`), and where that begins.
    fn child(&self, step: &str) -> Option<(Option<usize>, Self)> {
        let nth = || step.strip_suffix(']')?.parse::<usize>().ok();
        match self {
            Self::Table(table) => {
                let (key, item) = table.get_key_value(step)?;
                Some((key.span().or(item.span()).map(|span| span.start), Self::of_item(item)))
            }
            Self::Array(array) => {
                let value = array.get(nth()?)?;
                Some((value.span().map(|span| span.start), Self::of_value(value)))
            }
            Self::Tables(tables) => {
                let table = tables.get(nth()?)?;
                Some((table.span().map(|span| span.start), Self::Table(table)))
            }
            Self::Leaf => None,
        }
    }

    fn of_item(item: &'a Item) -> Self {
        match item {
            Item::Table(table) => Self::Table(table),
            Item::ArrayOfTables(tables) => Self::Tables(tables),
            Item::Value(value) => Self::of_value(value),
            Item::None => Self::Leaf,
        }
    }

    fn of_value(value: &'a Value) -> Self {
        match value {
            Value::InlineTable(table) => Self::Table(table),
            Value::Array(array) => Self::Array(array),
            _ => Self::Leaf,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_found_however_it_is_written() {
        let text = "code = \"a\"\nname = \"b\"\n\n[settings.limits.accept]\nnormal = \"20wm\"\n\n[settings.ladder.clocks]\n\
            accept = [\n  { rung = 1, at = \"due\" },\n  { rung = 2, at = \"+15wm\" },\n]\n\
            [[settings.ladder.items.I1.accept]]\nrung = 1\n[[settings.ladder.items.I1.accept]]\nrung = 2\nat = \"due\"\n\
            [settings]\ncalls.redo = \"5wd\"\n";
        let lines = Lines::read(text).unwrap();
        for (path, line) in [
            ("name", 2),
            ("settings.limits.accept.normal", 5),
            ("settings.limits.accept.urgent", 4),
            ("settings.ladder.clocks.accept", 8),
            ("settings.ladder.clocks.accept[1].at", 10),
            ("settings.ladder.clocks.accept[7].at", 8),
            ("settings.ladder.items.I1.accept[1].at", 16),
            ("settings.ladder.items.I1.accept[0]", 12),
            ("settings.calls.redo", 18),
            ("nowhere.at.all", 0),
            ("", 0),
        ] {
            assert_eq!(lines.of(path), line, "{path}");
        }
        let broken = Lines::read("code = \"a\"\nname = b c\n").unwrap_err();
        assert_eq!(broken.line, 2, "{broken:?}");
    }
}
