//! XML as the platforms write it: a root, leaves with text (CDATA or escaped), sometimes a list. No DTD, so nothing is ever expanded.

use roxmltree::{Document, Node};
use serde_json::{Map, Value};

/// Elements within elements; the platforms have three.
const DEEPEST: usize = 8;

/// The children of the root; none when it is no such XML.
pub fn tree(text: &str) -> Option<Value> {
    let document = Document::parse(text).ok()?;
    inside(document.root_element(), 0)
}

fn inside(node: Node<'_, '_>, depth: usize) -> Option<Value> {
    if depth > DEEPEST {
        return None;
    }
    if !node.children().any(|child| child.is_element()) {
        let parts = node.children().filter_map(|child| child.text());
        return Some(Value::String(parts.collect()));
    }
    let mut fields: Map<String, Value> = Map::new();
    for child in node.children().filter(Node::is_element) {
        let (name, value) = (child.tag_name().name(), inside(child, depth + 1)?);
        match fields.get_mut(name) {
            None => {
                fields.insert(name.to_owned(), value);
            }
            Some(Value::Array(list)) => list.push(value),
            Some(one) => *one = Value::Array(vec![one.take(), value]),
        }
    }
    Some(Value::Object(fields))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn elements_become_fields_and_repeated_ones_lists() {
        let text = "<xml><A><![CDATA[1 <b>]]></A><L><I>2 &amp; 3</I><I/><I>4</I></L><E></E></xml>";
        assert_eq!(tree(text), Some(json!({"A": "1 <b>", "L": {"I": ["2 & 3", "", "4"]}, "E": ""})));
        assert_eq!(tree("<xml><A>"), None);
        assert_eq!(tree("<!DOCTYPE x [<!ENTITY a 'b'>]><xml>&a;</xml>"), None);
        let deep = format!("{}{}", "<a>".repeat(12), "</a>".repeat(12));
        assert_eq!(tree(&deep), None);
    }
}
