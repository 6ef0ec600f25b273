//! The list of services: categories, items, and the words by which people ask for them.

use super::super::table::{Cells, Row};
use super::{LONG, NAME};

/// A line of `categories.csv`.
#[derive(Clone, Debug)]
pub struct CategoryRow {
    pub code: String,
    pub name: String,
    pub description: String,
}

impl Row for CategoryRow {
    const FILE: &'static str = "categories.csv";
    const COLUMNS: &'static [&'static str] = &["code", "name", "description"];

    fn read(cells: &mut Cells<'_>) -> Self {
        Self {
            code: cells.code("code"),
            name: cells.text("name", NAME),
            description: cells.optional("description", LONG),
        }
    }
}

/// A line of `catalogue.csv`.
#[derive(Clone, Debug)]
pub struct ItemRow {
    pub code: String,
    pub category: String,
    pub name: String,
    pub department: String,
    pub helpers: Vec<String>,
    pub on_the_spot: bool,
    pub accept_working_minutes: i32,
    pub respond_working_hours: i32,
    pub resolve_working_days: i32,
    pub keywords: Vec<String>,
    pub synonyms: Vec<String>,
    pub active: bool,
}

impl Row for ItemRow {
    const FILE: &'static str = "catalogue.csv";
    const COLUMNS: &'static [&'static str] = &[
        "code",
        "category_code",
        "name",
        "department_code",
        "helper_codes",
        "on_the_spot",
        "accept_working_minutes",
        "respond_working_hours",
        "resolve_working_days",
        "keywords",
        "synonyms",
        "active",
    ];

    fn read(cells: &mut Cells<'_>) -> Self {
        Self {
            code: cells.code("code"),
            category: cells.code("category_code"),
            name: cells.text("name", NAME),
            department: cells.code("department_code"),
            helpers: cells.list("helper_codes", LONG),
            on_the_spot: cells.flag("on_the_spot"),
            // The limits are the CHECKs of `service_items`.
            accept_working_minutes: cells.number("accept_working_minutes", 1, 10_080),
            respond_working_hours: cells.number("respond_working_hours", 1, 240),
            resolve_working_days: cells.number("resolve_working_days", 0, 250),
            keywords: cells.list("keywords", LONG),
            synonyms: cells.list("synonyms", LONG),
            active: cells.flag("active"),
        }
    }
}

/// A line of `catalogue_words.csv`: further everyday expressions for an item; they join its synonyms.
#[derive(Clone, Debug)]
pub struct WordsRow {
    pub item: String,
    pub words: Vec<String>,
}

impl Row for WordsRow {
    const FILE: &'static str = "catalogue_words.csv";
    const COLUMNS: &'static [&'static str] = &["item_code", "words"];

    fn read(cells: &mut Cells<'_>) -> Self {
        Self { item: cells.code("item_code"), words: cells.list("words", LONG) }
    }
}

/// A line of `catalogue_examples.csv`: a sentence an enterprise really used, and the item it meant.
#[derive(Clone, Debug)]
pub struct ExampleRow {
    pub item: String,
    pub text: String,
}

impl Row for ExampleRow {
    const FILE: &'static str = "catalogue_examples.csv";
    const COLUMNS: &'static [&'static str] = &["item_code", "text"];

    fn read(cells: &mut Cells<'_>) -> Self {
        Self { item: cells.code("item_code"), text: cells.text("text", 500) }
    }
}

/// A line of `catalogue_sayings.csv`: a sentence thought up for an item where no real one is at hand yet.
#[derive(Clone, Debug)]
pub struct SayingRow(pub ExampleRow);

impl Row for SayingRow {
    const FILE: &'static str = "catalogue_sayings.csv";
    const COLUMNS: &'static [&'static str] = ExampleRow::COLUMNS;

    fn read(cells: &mut Cells<'_>) -> Self {
        Self(ExampleRow::read(cells))
    }
}

/// A line of `catalogue_asides.csv`: a sentence that is no call for any item.
#[derive(Clone, Debug)]
pub struct AsideRow {
    pub kind: &'static str,
    pub text: String,
}

impl Row for AsideRow {
    const FILE: &'static str = "catalogue_asides.csv";
    const COLUMNS: &'static [&'static str] = &["kind", "text"];

    fn read(cells: &mut Cells<'_>) -> Self {
        let kinds = ["outside", "follow_up"].map(|kind| (kind, kind));
        Self { kind: cells.word("kind", &kinds, "outside"), text: cells.text("text", 500) }
    }
}
