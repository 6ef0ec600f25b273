//! A repository stands for itself: no file names a path of somebody's machine or a folder beside it.

use crate::tree::{files, name};

/// Pieced together, or this file would be the offender.
const FOREIGN: [&str; 4] =
    [concat!("/wo", "rk/"), concat!("../sha", "red"), concat!("/ho", "me/"), concat!("/Us", "ers/")];

#[test]
fn no_file_names_a_path_of_somebodys_machine() {
    let mut found = Vec::new();
    let mut seen = 0;
    for file in files(".") {
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        seen += 1;
        for (number, line) in text.lines().enumerate() {
            if let Some(word) = FOREIGN.iter().find(|word| line.contains(**word)) {
                found.push(format!("{}:{} {word}", name(&file), number + 1));
            }
        }
    }
    assert!(seen > 200, "only {seen} files were read");
    assert!(found.is_empty(), "{found:#?}");
}
