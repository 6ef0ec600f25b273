//! One message onto the wire and its answer back: with an access token where the provider wants one, and not a moment after what it says
//! was answered, nor long after it had leave.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::{Instant, timeout_at};

use super::{Leased, Sender};
use crate::notices::channels::{
    self, ChannelKind, Message, Outcome, Person, Target, exists_already, for_one, is_interactive, judge,
    judge_failure, judge_strictly,
};
use crate::notices::gate::asking;
use crate::notices::store;
use crate::notices::throttle::{Full, Leave, Spacing};
use crate::notices::tokens::{NoToken, Token};
use crate::platform::db::{DbError, Scope};
use crate::platform::outbound::{HeaderMap, OutboundRequest};

/// What waited longer than this since its lease may have been answered meanwhile.
const MOMENT: Duration = Duration::from_millis(100);
/// Leave that was given so long ago says nothing of the present: whoever waited for the same token would arrive all at once. Half of what
/// the table of limits grants the road.
const AGED: TimeDelta = TimeDelta::milliseconds(500);

/// Since when a message is in hand, and by what leave it goes.
#[derive(Clone, Copy, Debug)]
pub(in crate::notices) struct Turn {
    /// None: several go together, of which each stands for itself.
    pub leased: Option<Instant>,
    /// The leave that was asked for.
    pub spacing: Spacing,
    /// When it was given: the moment of its present place.
    pub given: DateTime<Utc>,
}

impl Turn {
    pub(super) fn in_company(self) -> Self {
        Self { leased: None, ..self }
    }
}

/// What is asked of an application.
#[derive(Clone, Copy)]
struct Saying<'a> {
    target: &'a Target,
    message: &'a Message,
    judge: Judge,
    form: Form,
}

/// How a message is handed over.
#[derive(Clone, Copy)]
enum Form {
    Whole,
    /// As the card that its platform has made of it before.
    Made,
}

/// What an answer means.
type Judge = fn(ChannelKind, u16, &HeaderMap, &[u8], DateTime<Utc>) -> Outcome;

/// Why nothing was sent.
pub(super) enum Unsent {
    Unrenderable(String),
    /// What it asks for was done while it waited.
    Answered,
    /// Its leave grew old while it waited, and there is no place now.
    Late {
        until: DateTime<Utc>,
        why: Full,
    },
}

/// What became of an interactive card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interactive {
    /// There was none, or what came of it says nothing of others.
    Untried,
    Taken,
    /// The platform refused the card, and took it without.
    Refused,
}

/// What was asked of a provider, and what it said.
pub(super) struct Exchange {
    pub outcome: Outcome,
    pub http_status: Option<u16>,
    pub excerpt: String,
    pub detail: Option<String>,
    pub interactive: Interactive,
    /// Refused because the platform made the same card before.
    pub exists: bool,
    pub took: Duration,
}

impl Sender {
    /// Sends a message. Without a turn nobody asks whether it may go.
    pub(super) async fn send(
        &self,
        leased: &Leased,
        target: &Target,
        message: &Message,
        turn: &mut Option<Turn>,
        now: DateTime<Utc>,
    ) -> Result<Exchange, Unsent> {
        if target.kind.is_personal() {
            return self.to_person(leased, target, message, turn, now).await;
        }
        let number = u32::try_from(leased.attempt).unwrap_or(1);
        let request = channels::request(target, message, now, number);
        let request = request.map_err(|why| Unsent::Unrenderable(why.to_string()))?;
        self.still_may(leased, turn).await?;
        Ok(self.exchange(target, request, None, judge, now).await)
    }

    /// Whether a message may still go onto the wire that waited for its turn or its token since it was leased; its place moves with it.
    async fn still_may(&self, leased: &Leased, turn: &mut Option<Turn>) -> Result<(), Unsent> {
        let Some(turn) = turn else { return Ok(()) };
        let waited = |since: Instant| since.elapsed() >= MOMENT;
        if leased.alarms && turn.leased.is_some_and(waited) && self.is_answered(leased).await {
            return Err(Unsent::Answered);
        }
        let later = self.clock.now();
        if later - turn.given < AGED {
            return Ok(());
        }
        match self.throttle.take_again(&asking(leased, turn.spacing), turn.given, later).await {
            Leave::Go(_) => {
                turn.given = later;
                Ok(())
            }
            Leave::Wait { until, why } => Err(Unsent::Late { until, why }),
        }
    }

    /// While Postgres is away nothing is: rather once too often than not at all.
    async fn is_answered(&self, leased: &Leased) -> bool {
        let answered = async {
            let mut tx = self.db.begin(Scope::County(leased.county.0)).await?;
            let answered = store::is_answered(&mut tx, leased.notice).await.map_err(DbError::from);
            tx.finish(answered).await
        };
        answered.await.unwrap_or_else(|error| {
            tracing::debug!(%error, notice = %leased.notice, "nobody can say whether it was answered");
            false
        })
    }

    /// By an application. What follows upon a token must end before the lease does, or somebody else would send the same notice meanwhile:
    /// so tokens are waited for no longer than that. An interactive card that is refused goes once more as a plain one.
    async fn to_person(
        &self,
        leased: &Leased,
        target: &Target,
        message: &Message,
        turn: &mut Option<Turn>,
        now: DateTime<Utc>,
    ) -> Result<Exchange, Unsent> {
        let latest =
            Instant::now() + self.lease.to_std().unwrap_or_default().saturating_sub(self.outbound.longest());
        let asks = leased.redraws.is_none() && is_interactive(target, message);
        let judge = if asks || leased.redraws.is_some() { judge_strictly } else { judge };
        let saying = Saying { target, message, judge, form: Form::Whole };
        let mut first = self.with_token(leased, saying, turn, latest, now).await?;
        if asks && first.exists {
            let made = Saying { form: Form::Made, ..saying };
            first = self.further(first, leased, made, turn, latest, now).await?;
            if let Outcome::Delivered { handle, .. } = &mut first.outcome {
                *handle = Some(message.id.clone());
            }
        }
        if !asks || !refuses_interactive(target.kind, &first.outcome) {
            let taken = asks && matches!(first.outcome, Outcome::Delivered { .. });
            let interactive = if taken { Interactive::Taken } else { Interactive::Untried };
            return Ok(Exchange { interactive, ..first });
        }
        let of_all = refuses_all(target.kind, &first.outcome);
        let plain = Saying { target: &target.plain(), judge: channels::judge, ..saying };
        let second = self.further(first, leased, plain, turn, latest, now).await?;
        // What is refused either way was not refused for being interactive.
        let learnt = of_all && matches!(second.outcome, Outcome::Delivered { .. });
        if learnt {
            let channel = leased.channel;
            tracing::warn!(%channel, "an interactive card was refused and goes plain, as do the others of a day; `interactive` of the channel's settings says so for good");
        }
        let interactive = if learnt { Interactive::Refused } else { Interactive::Untried };
        Ok(Exchange { interactive, ..second })
    }

    /// Asks once more, in another way, what was refused. Nothing is wrong with what it says, so it stays to be sent where there is no time
    /// left for that, or no leave; and what was asked before remains an attempt, whatever came in between.
    async fn further(
        &self,
        refused: Exchange,
        leased: &Leased,
        saying: Saying<'_>,
        turn: &mut Option<Turn>,
        latest: Instant,
        now: DateTime<Utc>,
    ) -> Result<Exchange, Unsent> {
        if Instant::now() >= latest {
            return Ok(Exchange { outcome: Outcome::Retry { after: None }, ..refused });
        }
        let after = match self.with_token(leased, saying, turn, latest, now).await {
            Ok(next) => return Ok(Exchange { took: refused.took + next.took, ..next }),
            Err(Unsent::Answered) => None,
            Err(Unsent::Late { until, .. }) => (until - now).to_std().ok(),
            Err(Unsent::Unrenderable(why)) => return Err(Unsent::Unrenderable(why)),
        };
        Ok(Exchange { outcome: Outcome::Retry { after }, ..refused })
    }

    /// With the application's access token; one that is no longer good is replaced once.
    async fn with_token(
        &self,
        leased: &Leased,
        Saying { target, message, judge, form }: Saying<'_>,
        turn: &mut Option<Turn>,
        latest: Instant,
        now: DateTime<Utc>,
    ) -> Result<Exchange, Unsent> {
        let request = |token: &Token| {
            let person = Person { user_id: &leased.recipient, token: Some(&token.value) };
            let request = match (&leased.redraws, form) {
                (Some(handle), _) => channels::redraw(target, message, &person, handle),
                (None, Form::Whole) => channels::request_to(target, message, &person),
                (None, Form::Made) => channels::deliver(target, message, &person),
            };
            request.map_err(|why| Unsent::Unrenderable(why.to_string()))
        };
        let token = self.tokens.of(leased.channel, target, now);
        let token = match timeout_at(latest, token).await.unwrap_or_else(|_| Err(NoToken::in_time())) {
            Ok(token) => token,
            Err(none) => return Ok(none.into()),
        };
        self.still_may(leased, turn).await?;
        let first = self.exchange(target, request(&token)?, Some(&token.value), judge, now).await;
        if first.outcome != Outcome::RefreshToken {
            return Ok(first);
        }
        let token = self.tokens.renewed(leased.channel, target, &token, now);
        let token = match timeout_at(latest, token).await.unwrap_or_else(|_| Err(NoToken::in_time())) {
            Ok(token) => token,
            Err(none) => return Ok(none.into()),
        };
        self.still_may(leased, turn).await?;
        let second = self.exchange(target, request(&token)?, Some(&token.value), judge, now).await;
        if second.outcome == Outcome::RefreshToken {
            self.tokens.refuse(leased.channel, target, now).await;
        }
        Ok(Exchange { took: first.took + second.took, ..second })
    }

    async fn exchange(
        &self,
        target: &Target,
        request: OutboundRequest,
        token: Option<&SecretString>,
        judge: Judge,
        now: DateTime<Utc>,
    ) -> Exchange {
        match self.outbound.send(request).await {
            Ok(answer) => {
                let status = answer.status.as_u16();
                let answered_at = now + TimeDelta::from_std(answer.took).unwrap_or_default();
                let outcome = judge(target.kind, status, &answer.headers, &answer.body, answered_at);
                let outcome = if target.kind.is_personal() { for_one(outcome) } else { outcome };
                let mut excerpt = target.excerpt(&answer.body);
                if let Some(token) = token {
                    excerpt = excerpt.replace(token.expose_secret(), "***");
                }
                // What the platform says in its own way explains itself; a gateway's page or redirect does not.
                let detail = matches!(outcome, Outcome::Retry { .. }) && !is_platforms(&answer.body);
                let detail = detail.then(|| format!("HTTP {status}"));
                Exchange {
                    outcome,
                    http_status: Some(status),
                    excerpt,
                    detail,
                    interactive: Interactive::Untried,
                    exists: exists_already(target.kind, &answer.body),
                    took: answer.took,
                }
            }
            Err(error) => Exchange {
                outcome: judge_failure(&error),
                http_status: None,
                excerpt: error.to_string(),
                detail: Some(error.to_string()),
                interactive: Interactive::Untried,
                exists: false,
                took: Duration::ZERO,
            },
        }
    }
}

/// Whether an answer to an interactive card leaves the plain one to try: whoever may send no card to DingTalk, or lacks its template, may write
/// all the same.
fn refuses_interactive(kind: ChannelKind, outcome: &Outcome) -> bool {
    match outcome {
        Outcome::BadMessage => true,
        Outcome::NeedsAdmin => kind == ChannelKind::DingtalkApp,
        _ => false,
    }
}

/// Whether a refusal is meant for all interactive cards. DingTalk says of one card what is wrong with it, that it is there already among
/// the rest; nobody has written down what WeCom says where.
fn refuses_all(kind: ChannelKind, refusal: &Outcome) -> bool {
    kind != ChannelKind::DingtalkApp || *refusal == Outcome::NeedsAdmin
}

/// Whether it is an answer in JSON with a code, as all platforms give.
fn is_platforms(body: &[u8]) -> bool {
    let answer: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    answer.is_some_and(|answer| answer.get("errcode").or_else(|| answer.get("code")).is_some())
}

impl From<NoToken> for Exchange {
    fn from(none: NoToken) -> Self {
        Self {
            outcome: none.outcome,
            http_status: none.http_status,
            excerpt: none.detail.clone(),
            detail: Some(none.detail),
            interactive: Interactive::Untried,
            exists: false,
            took: Duration::ZERO,
        }
    }
}
