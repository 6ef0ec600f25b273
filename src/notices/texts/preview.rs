//! What own words would look like, without keeping them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::check::{check, telling};
use super::wording::{EventText, folder};
use super::{Texts, sample};
use crate::notices::admin::error::NoticeCode;
use crate::notices::channels::{ChannelKind, WORDED, shown};
use crate::platform::http::lang::Lang;
use crate::platform::http::problem::{CommonCode, Problem};

/// Own words tried on a sample, in the form in which they leave: an event that asks somebody to act as such an alarm.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PreviewView {
    pub items: Vec<Preview>,
}

/// What one kind of channel shows in one language.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    pub kind: ChannelKind,
    /// `zh` or `en`.
    pub language: &'static str,
    pub title: String,
    /// All that is shown, title and all.
    pub text: String,
    /// Bytes of it.
    pub bytes: usize,
    /// The most that this kind shows.
    pub limit: usize,
}

/// Own words in every kind of channel that carries any.
///
/// # Errors
/// 404 for an event that is not the county's to word; 422 with every fault, as when they are put.
pub fn preview(
    texts: &Texts,
    event: &str,
    own: &EventText,
    now: DateTime<Utc>,
) -> Result<PreviewView, Problem> {
    texts.shipped(event).ok_or_else(|| NoticeCode::EventNotFound.problem())?;
    let own = check(texts, event, own, now).map_err(Problem::invalid)?;
    let params = sample::full(now);
    let mut items = Vec::new();
    for kind in WORDED {
        for lang in [Lang::Zh, Lang::En] {
            let telling = telling(event, kind, texts.alarms(event), &params, now);
            let told = texts.compose(telling, Some(&own), lang, now);
            let message = told.map_err(|error| broken(&error))?;
            let shown = shown(kind, &message).map_err(|error| broken(&error))?;
            items.push(Preview {
                kind,
                language: folder(lang),
                title: message.title,
                text: shown.text,
                bytes: shown.bytes,
                limit: shown.limit,
            });
        }
    }
    Ok(PreviewView { items })
}

/// What was checked can be said; anything else is our own fault.
fn broken(error: &impl std::fmt::Display) -> Problem {
    tracing::error!(%error, "a checked text cannot be made");
    CommonCode::Internal.into()
}
