//! The words of one event in the form in which a county puts them and is shown those shipped.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::notices::channels::ChannelKind;
use crate::platform::http::lang::Lang;

/// What an event says. What a county leaves out is said as shipped.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct EventText {
    #[serde(skip_serializing_if = "Wording::is_empty")]
    pub zh: Wording,
    #[serde(skip_serializing_if = "Wording::is_empty")]
    pub en: Wording,
    /// Whether the enterprise's own words follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<bool>,
    /// By kind of channel, where it is to say something else there: `{"wecom_app": {"zh": {"title": "…"}}}`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub kinds: BTreeMap<String, InKind>,
}

/// What it says in one kind of channel.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct InKind {
    #[serde(skip_serializing_if = "Wording::is_empty")]
    pub zh: Wording,
    #[serde(skip_serializing_if = "Wording::is_empty")]
    pub en: Wording,
}

/// The words in one language.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Wording {
    /// A template.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "{{ mark }}企业叫您：{{ title }}")]
    pub title: Option<String>,
    /// What the link says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<String>,
    /// The facts, the important ones first; replaced as a whole. One whose value is empty vanishes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<Vec<OwnLine>>,
}

/// One fact.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OwnLine {
    #[schema(example = "地点")]
    pub label: String,
    /// A template.
    #[schema(example = "{{ place }}")]
    pub text: String,
}

impl Wording {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Every template with its path below `at`.
    fn templates(&self, at: &str) -> Vec<(String, &str)> {
        let title = self.title.iter().map(|title| (title_path(at), title.as_str()));
        let lines = self.lines.iter().flatten().enumerate();
        title.chain(lines.map(|(nth, line)| (line_path(at, nth), line.text.as_str()))).collect()
    }
}

/// Where a title stands.
pub fn title_path(at: &str) -> String {
    format!("{at}.title")
}

/// Where the template of a line stands.
pub fn line_path(at: &str, nth: usize) -> String {
    format!("{at}.lines[{nth}].text")
}

impl EventText {
    /// Every wording with its path: `zh`, `kinds.wecom_app.en`.
    pub fn wordings(&self) -> Vec<(String, &Wording)> {
        let mut all = vec![("zh".to_owned(), &self.zh), ("en".to_owned(), &self.en)];
        for (kind, own) in &self.kinds {
            all.push((format!("kinds.{kind}.zh"), &own.zh));
            all.push((format!("kinds.{kind}.en"), &own.en));
        }
        all.retain(|(_, wording)| !wording.is_empty());
        all
    }

    /// Every template with its path.
    pub fn templates(&self) -> Vec<(String, &str)> {
        self.wordings().into_iter().flat_map(|(at, wording)| wording.templates(&at)).collect()
    }

    /// What the county itself says in a language: first for the kind of channel, then for all.
    fn places(&self, kind: Option<ChannelKind>, lang: Lang) -> impl Iterator<Item = (String, &Wording)> {
        let folder = folder(lang);
        let pick = move |zh, en| if lang == Lang::Zh { zh } else { en };
        let in_kind = kind.and_then(|kind| {
            let own = self.kinds.get(kind.as_str())?;
            Some((format!("kinds.{kind}.{folder}"), pick(&own.zh, &own.en)))
        });
        in_kind.into_iter().chain([(folder.to_owned(), pick(&self.zh, &self.en))])
    }

    /// Path of the county's own title, if it has one here.
    pub fn title_at(&self, kind: Option<ChannelKind>, lang: Lang) -> Option<String> {
        let mut places = self.places(kind, lang);
        places.find(|(_, wording)| wording.title.is_some()).map(|(at, _)| title_path(&at))
    }

    /// The county's own lines, if it has any here, and the path of their wording.
    pub fn lines_at(&self, kind: Option<ChannelKind>, lang: Lang) -> Option<(String, &[OwnLine])> {
        self.places(kind, lang).find_map(|(at, wording)| Some((at, wording.lines.as_deref()?)))
    }

    /// What the county has its link say here.
    pub fn act(&self, kind: Option<ChannelKind>, lang: Lang) -> Option<&str> {
        self.places(kind, lang).find_map(|(_, wording)| wording.act.as_deref())
    }
}

/// What a language is called in paths.
pub const fn folder(lang: Lang) -> &'static str {
    match lang {
        Lang::Zh => "zh",
        Lang::En => "en",
    }
}
