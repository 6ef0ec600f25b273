//! A button of a card: who tapped takes the call, like by any other door.

use chrono::{DateTime, Utc};

use crate::app::App;
use crate::calls::accept::{Accept, Door};
use crate::calls::case::perform;
use crate::calls::model::{CallId, State};
use crate::calls::read;
use crate::calls::routes::person;
use crate::calls::state::Verb;
use crate::calls::view::CallView;
use crate::identity::officer;
use crate::notices::callbacks::Application;
use crate::notices::model::{ChannelLanguage, SubjectKind};
use crate::organisation::OfficerId;
use crate::platform::http::lang::Lang;
use crate::platform::http::problem::Problem;

/// A tap as its platform tells it.
#[derive(Clone, Copy, Debug)]
pub struct Tap<'a> {
    pub user_id: &'a str,
    /// The notice that the card was sent as.
    pub notice: &'a str,
    pub verb: &'a str,
    /// By which the card can be redrawn from now on.
    pub handle: Option<&'a str>,
}

/// What who tapped is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub is_done: bool,
    pub says: String,
}

impl Told {
    fn not(zh: &str, en: &str) -> Self {
        Self { is_done: false, says: said(zh, en).to_owned() }
    }
}

const fn pick<'a>(lang: Lang, zh: &'a str, en: &'a str) -> &'a str {
    match lang {
        Lang::Zh => zh,
        Lang::En => en,
    }
}

fn said<'a>(zh: &'a str, en: &'a str) -> &'a str {
    pick(Lang::current(), zh, en)
}

/// Does what the button says, in the name of who tapped. A card whose matter was settled only tells how it stands, so a tap that comes twice,
/// or that somebody plays again, does nothing.
///
/// # Errors
/// Our own faults alone: the platform tries again. Whatever stands in the way of the person is told to him.
pub async fn tap(app: &App, of: &Application, tap: Tap<'_>) -> Result<Told, Problem> {
    lang(of).scope(act(app, of, tap, app.clock.now())).await
}

/// The language of those who read what an application sends.
pub(super) const fn lang(of: &Application) -> Lang {
    match of.language {
        ChannelLanguage::Chinese => Lang::Zh,
        ChannelLanguage::English => Lang::En,
    }
}

async fn act(app: &App, of: &Application, tap: Tap<'_>, now: DateTime<Utc>) -> Result<Told, Problem> {
    let over = || Told::not("卡片已失效", "The card is over");
    let (Ok(notice), Some(Verb::Accept)) = (tap.notice.parse(), Verb::parse(tap.verb)) else {
        return Ok(over());
    };
    let tapped = of.tapped(&app.db, tap.user_id, notice, tap.handle).await?;
    let Some(card) = tapped.card.filter(|card| card.subject_kind == SubjectKind::Call) else {
        return Ok(over());
    };
    let Some(officer) = tapped.officer else {
        return Ok(Told::not("您不在人员名单中", "You are not on the list of officers"));
    };
    let caller = match officer::caller_of(&app.db, of.county, officer).await {
        Ok(caller) => caller,
        Err(problem) if problem.status().is_client_error() => {
            return Ok(Told::not("您的账号已停用", "Your account is not active"));
        }
        Err(problem) => return Err(problem),
    };
    let (person, call) = (person(&caller), CallId(card.subject));
    if !card.answered {
        match perform(&app.calls, &person, call, Accept { door: Door::Card }, None, now).await {
            Ok(view) => return Ok(standing(&view, officer)),
            Err(problem) if problem.status().is_client_error() => {}
            Err(problem) => return Err(problem),
        }
    }
    match read::show(&app.calls, &person, &call.to_string(), now).await {
        Ok(view) => Ok(standing(&view, officer)),
        Err(problem) if problem.status().is_client_error() => {
            Ok(Told::not("已不由您办理", "It is not yours any more"))
        }
        Err(problem) => Err(problem),
    }
}

/// How the call stands, short enough for a button.
fn standing(view: &CallView, officer: OfficerId) -> Told {
    let own = view.holder.id == officer;
    match view.state {
        State::Accepted | State::Arrived if own => {
            Told { is_done: true, says: said("您已接单", "You have accepted").to_owned() }
        }
        State::Accepted | State::Arrived => {
            let name = &view.holder.name;
            let says = match Lang::current() {
                Lang::Zh => format!("已由{name}接单"),
                Lang::En => format!("Accepted by {name}"),
            };
            Told { is_done: false, says }
        }
        // It was dispatched anew, and this card is of before.
        State::Dispatched if view.allowed.contains(&Verb::Accept) => {
            Told::not("请以最新消息为准", "See the latest message")
        }
        State::Triage | State::Dispatched => Told::not("暂不能接单", "It cannot be accepted now"),
        State::Resolved => Told::not("已办结", "Resolved"),
        State::Closed => Told::not("已结案", "Closed"),
        State::Withdrawn => Told::not("企业已撤回", "Withdrawn"),
        State::Refused => Told::not("不予受理", "Not taken"),
        State::Merged => Told::not("已并案", "Merged"),
    }
}
