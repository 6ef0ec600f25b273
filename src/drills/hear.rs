//! A holder says that he has the message.

use chrono::{DateTime, Utc};

use super::store::{self, Asked};
use super::{ContactId, start::Drills};
use crate::calls::link::Link;
use crate::organisation::{CountyId, OfficerId};
use crate::platform::db::Scope;
use crate::platform::http::problem::{CommonCode, Problem};

/// Who was asked, by the link that he was sent.
#[derive(Clone, Copy, Debug)]
pub struct Asking {
    county: CountyId,
    contact: ContactId,
    officer: OfficerId,
}

impl Drills {
    /// Whom a link speaks for.
    ///
    /// # Errors
    /// 404 when it is not whole, not ours, or over.
    pub fn open(&self, token: &str, now: DateTime<Utc>) -> Result<Asking, Problem> {
        let link = Link::open(token, &self.link_key, now).filter(|link| link.matter.is_none());
        let link = link.ok_or_else(|| CommonCode::NotFound.problem())?;
        Ok(Asking { county: link.county, contact: ContactId(link.call.0), officer: link.officer })
    }

    /// How it stands with him; `heard`: he says now that he has it. The first time counts.
    ///
    /// # Errors
    /// 404 when he was not asked.
    pub async fn ask(&self, asking: Asking, heard: Option<DateTime<Utc>>) -> Result<Asked, Problem> {
        let Asking { county, contact, officer } = asking;
        let mut tx = self.db.begin(Scope::County(county.0)).await?;
        let found = async {
            if let Some(now) = heard {
                store::hear(&mut tx, contact, officer, now).await?;
            }
            store::asked(&mut tx, contact, officer).await
        };
        let found = found.await.map_err(Problem::from);
        tx.finish(found).await?.ok_or_else(|| CommonCode::NotFound.problem())
    }
}
