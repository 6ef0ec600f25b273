//! Suggesting items for an enterprise's words, and whether they are clear enough to call an officer without asking a person.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::routing::{Reason, Router};
use super::store;
use crate::deadlines::limits::Rules;
use crate::organisation::CountyId;
use crate::platform::db::{Db, Scope};
use crate::platform::http::lang::Lang;
use crate::platform::http::problem::{CommonCode, Problem};
use crate::platform::http::text::TextRule;

/// Items suggested at most.
const MOST: usize = 5;

/// What each county has taught. Learned from Postgres, and learned again as soon as the county's catalogue has another revision, so
/// no replica answers from an old one.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    learned: Arc<RwLock<HashMap<CountyId, Arc<Learned>>>>,
    learning: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug)]
struct Learned {
    revision: i32,
    router: Router,
    names: HashMap<String, String>,
}

/// Words to find an item for.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    pub text: String,
}

/// A suggested item.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SuggestedItem {
    pub item_code: String,
    pub name: String,
    /// How likely this item is meant, 0 to 1.
    pub score: f32,
    /// The words of the text that speak for it.
    pub matched: Vec<String>,
}

/// The answer to a text.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Suggested {
    /// Likeliest first.
    pub items: Vec<SuggestedItem>,
    /// Clear enough to call the officer of the first item at once; else a person decides.
    pub clear: bool,
    pub reason: Reason,
    /// The reason in a sentence, in the language of the request.
    pub explanation: &'static str,
}

impl Catalogue {
    /// The items that `text` may mean in this county.
    ///
    /// # Errors
    /// 422 when the text says nothing or is longer than the county allows, 503 when Postgres is away.
    pub async fn suggest(&self, db: &Db, county: CountyId, text: &str) -> Result<Suggested, Problem> {
        let (revision, settings) = now_of(db, county).await?;
        let rules = Rules::of_county(&settings).map_err(|error| {
            tracing::error!(%error, %county, "the county's settings cannot be read");
            CommonCode::Internal.problem()
        })?;
        let text = TextRule::block(rules.calls.text_length)
            .required("text", text)
            .map_err(|error| Problem::invalid(vec![error]))?;
        let learned = self.learned(db, county, revision).await?;
        let answer = learned.router.suggest(&text, MOST);
        let items = answer
            .ranked
            .into_iter()
            .map(|ranked| SuggestedItem {
                name: learned.names.get(&ranked.code).cloned().unwrap_or_default(),
                item_code: ranked.code,
                score: ranked.score,
                matched: ranked.matched,
            })
            .collect();
        Ok(Suggested {
            items,
            clear: answer.clear,
            reason: answer.reason,
            explanation: match Lang::current() {
                Lang::Zh => answer.reason.text_zh(),
                Lang::En => answer.reason.text_en(),
            },
        })
    }

    /// Learns what every county has taught, so that the first call with words need not wait for it. A failure is no matter: the
    /// first call learns then.
    pub async fn warm(&self, db: &Db) {
        let counties = async {
            let mut tx = db.begin(Scope::AllCounties).await?;
            let counties = store::counties(&mut tx).await.map_err(Problem::from);
            tx.finish(counties).await
        };
        for county in counties.await.unwrap_or_default() {
            let learned = async {
                let (revision, _) = now_of(db, county).await?;
                self.learned(db, county, revision).await
            };
            if let Err(problem) = learned.await {
                tracing::warn!(%problem, %county, "the catalogue could not be learned ahead");
            }
        }
    }

    async fn learned(&self, db: &Db, county: CountyId, revision: i32) -> Result<Arc<Learned>, Problem> {
        if let Some(learned) = self.known(county, revision) {
            return Ok(learned);
        }
        // One at a time: learning takes a fraction of a second of a core.
        let _turn = self.learning.lock().await;
        if let Some(learned) = self.known(county, revision) {
            return Ok(learned);
        }
        let learned = Arc::new(learn(db, county).await?);
        if let Ok(mut all) = self.learned.write() {
            all.insert(county, learned.clone());
        }
        Ok(learned)
    }

    fn known(&self, county: CountyId, revision: i32) -> Option<Arc<Learned>> {
        let all = self.learned.read().ok()?;
        all.get(&county).filter(|learned| learned.revision >= revision).cloned()
    }
}

/// The present revision of the county's catalogue, and the county's settings.
async fn now_of(db: &Db, county: CountyId) -> Result<(i32, Value), Problem> {
    let mut tx = db.begin(Scope::County(county.0)).await?;
    let found = store::county(&mut tx, county).await.map_err(Problem::from);
    tx.finish(found).await
}

async fn learn(db: &Db, county: CountyId) -> Result<Learned, Problem> {
    let mut tx = db.begin(Scope::County(county.0)).await?;
    let read = async {
        let (revision, _) = store::county(&mut tx, county).await?;
        Ok::<_, diesel::result::Error>((revision, store::lessons(&mut tx, county).await?))
    }
    .await;
    let (revision, lessons) = tx.finish(read.map_err(Problem::from)).await?;
    let names = lessons.items.iter().map(|item| (item.code.clone(), item.name.clone())).collect();
    let router = tokio::task::spawn_blocking(move || Router::learn(&lessons))
        .await
        .map_err(|_| CommonCode::Internal.problem())?;
    Ok(Learned { revision, router, names })
}
