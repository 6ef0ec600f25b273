//! A county's own words, compiled. They come with the row that is told ([`Own`]), so all replicas say the same, and what is compiled is
//! kept under the version it was made from.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use minijinja::{Environment, UndefinedBehavior};
use serde::Deserialize as _;
use serde_json::Value;

use super::TextsError;
use super::wording::EventText;
use crate::organisation::CountyId;

/// Steps that one template may take: a page of text needs some hundred.
const FUEL: u64 = 20_000;

/// The county's own words for an event, as Postgres keeps them.
#[derive(Clone, Copy, Debug)]
pub struct Own<'a> {
    pub county: CountyId,
    /// Counts every change of this event's words.
    pub version: i32,
    pub words: &'a Value,
}

/// Own words, ready to be said.
#[derive(Debug)]
pub struct OwnTemplates {
    pub text: EventText,
    templates: Environment<'static>,
}

impl OwnTemplates {
    /// Each template stands under its path.
    pub fn compile(text: EventText) -> Result<Self, TextsError> {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Lenient);
        templates.set_fuel(Some(FUEL));
        for (path, template) in text.templates() {
            templates.add_template_owned(path, template.to_owned())?;
        }
        Ok(Self { text, templates })
    }

    /// What the template at `path` says.
    pub fn say(&self, path: &str, words: &BTreeMap<&'static str, String>) -> Result<String, TextsError> {
        Ok(self.templates.get_template(path)?.render(words)?.trim().to_owned())
    }

    /// The names that the template at `path` asks for.
    pub fn names(&self, path: &str) -> Vec<String> {
        let asked = self.templates.get_template(path).map(|template| template.undeclared_variables(false));
        let mut names: Vec<String> = asked.unwrap_or_default().into_iter().collect();
        names.sort_unstable();
        names
    }
}

/// What was compiled already, at most one version of each event.
#[derive(Default)]
pub struct Memo(RwLock<HashMap<CountyId, HashMap<String, Edition>>>);

type Edition = (i32, Arc<OwnTemplates>);

impl Memo {
    pub fn compiled(&self, event: &str, own: Own<'_>) -> Result<Arc<OwnTemplates>, TextsError> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let edition = known.get(&own.county).and_then(|events| events.get(event));
        if let Some((version, templates)) = edition
            && *version == own.version
        {
            return Ok(Arc::clone(templates));
        }
        drop(known);
        let fresh = Arc::new(OwnTemplates::compile(EventText::deserialize(own.words)?)?);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let events = known.entry(own.county).or_default();
        events.insert(event.to_owned(), (own.version, Arc::clone(&fresh)));
        Ok(fresh)
    }
}
