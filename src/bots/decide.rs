//! The page behind the link of a request: who is called to decide sees what is asked, by whom and why, and decides with one tap.

use actix_web::HttpResponse;
use actix_web::web::Bytes;
use minijinja::value::Serde;
use minijinja::{Value, context};
use url::form_urlencoded;
use utoipa::ToSchema;

use super::act::{SHOWN_BESIDE, back, render, time};
use crate::app::App;
use crate::calls::accept::Door;
use crate::calls::assist::Assist;
use crate::calls::case::perform;
use crate::calls::extension::Extension;
use crate::calls::model::{CallId, MatterId, MatterKind};
use crate::calls::pause::Pause;
use crate::calls::request::{self, Request};
use crate::calls::return_ruling::Ruling;
use crate::calls::routes::person;
use crate::calls::standing::Person;
use crate::calls::view::CallView;
use crate::identity::Caller;
use crate::platform::http::problem::{CommonCode, Problem};

/// What the page's form says beside the button.
#[derive(Clone, Debug, Default, PartialEq, Eq, ToSchema)]
pub struct Words {
    /// A reason, or what was done.
    pub words: String,
}

impl Words {
    /// Reads a form; what it does not understand it leaves out.
    #[must_use]
    pub fn read(form: &Bytes) -> Self {
        let words = form_urlencoded::parse(form).find(|(name, _)| name == "words");
        Self { words: words.map(|(_, words)| words.into_owned()).unwrap_or_default() }
    }
}

/// The page, with what stood in the way of a tap.
///
/// # Errors
/// 404 when the request does not exist for the officer.
pub async fn show(
    app: &App,
    token: &str,
    caller: &Caller,
    call: CallId,
    matter: MatterId,
    problem: Option<&Problem>,
) -> Result<HttpResponse, Problem> {
    let (view, request) = request::show(&app.calls, &person(caller), call, matter, app.clock.now()).await?;
    page(token, &view, &request, caller, problem)
}

/// Decides, by the same verb as everywhere.
///
/// # Errors
/// 404 for a button that the request has not, or a request that does not exist for the officer.
pub async fn tap(
    app: &App,
    token: &str,
    caller: &Caller,
    call: CallId,
    matter: MatterId,
    button: &str,
    said: Words,
) -> Result<HttpResponse, Problem> {
    let person = person(caller);
    let (_, asked) = request::show(&app.calls, &person, call, matter, app.clock.now()).await?;
    match decide(app, &person, call, matter, asked.kind, button, said.words).await {
        Ok(_) => Ok(back(token)),
        // Too late, too little said, not his to decide: the page says so and shows how it stands.
        Err(problem) if SHOWN_BESIDE.contains(&problem.status().as_u16()) => {
            show(app, token, caller, call, matter, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}

async fn decide(
    app: &App,
    person: &Person,
    call: CallId,
    matter: MatterId,
    kind: MatterKind,
    button: &str,
    words: String,
) -> Result<CallView, Problem> {
    let (desk, now, door, matter_id) = (&app.calls, app.clock.now(), Door::Link, Some(matter));
    let approve = match (kind, button) {
        (MatterKind::Assistance, "done") => {
            let order = Assist { matter_id, result: Some(words), door, ..Assist::default() };
            return perform(desk, person, call, order, None, now).await;
        }
        (MatterKind::Pause | MatterKind::Extension | MatterKind::Return, "approve") => true,
        (MatterKind::Pause | MatterKind::Extension | MatterKind::Return, "refuse") => false,
        _ => return Err(CommonCode::NotFound.into()),
    };
    match kind {
        MatterKind::Pause => {
            let order =
                Pause { approve: Some(approve), reason: Some(words), matter_id, door, ..Pause::default() };
            perform(desk, person, call, order, None, now).await
        }
        MatterKind::Extension => {
            let order = Extension {
                approve: Some(approve),
                reason: Some(words),
                matter_id,
                door,
                ..Extension::default()
            };
            perform(desk, person, call, order, None, now).await
        }
        _ => {
            let order = Ruling { approve, department_code: None, reason: words, matter_id, door };
            perform(desk, person, call, order, None, now).await
        }
    }
}

/// How the page speaks of a kind of request.
struct Speech {
    asks: &'static str,
    department_label: &'static str,
    due_label: &'static str,
    words_hint: &'static str,
    words_required: bool,
    /// The buttons: what they do, what they say.
    buttons: &'static [(&'static str, &'static str)],
}

const fn speech(kind: MatterKind) -> Speech {
    let plain = Speech {
        asks: "申请",
        department_label: "部门",
        due_label: "答复时限",
        words_hint: "意见（可不填）",
        words_required: false,
        buttons: &[("approve", "同意"), ("refuse", "不同意")],
    };
    match kind {
        MatterKind::Pause => Speech { asks: "请审批暂停计时", ..plain },
        MatterKind::Extension => Speech { asks: "请审批延期", ..plain },
        MatterKind::Return => Speech {
            asks: "请裁定退回",
            department_label: "建议转至",
            due_label: "裁定时限",
            words_hint: "裁定理由（必填）",
            words_required: true,
            buttons: &[("approve", "转至建议的部门"), ("refuse", "不转，仍由原部门办理")],
        },
        MatterKind::Assistance => Speech {
            asks: "请协助",
            department_label: "协助单位",
            due_label: "协助时限",
            words_hint: "协助结果（必填）",
            words_required: true,
            buttons: &[("done", "协助已完成")],
        },
        _ => Speech { buttons: &[], ..plain },
    }
}

fn page(
    token: &str,
    view: &CallView,
    request: &Request,
    caller: &Caller,
    problem: Option<&Problem>,
) -> Result<HttpResponse, Problem> {
    let Speech { asks, department_label, due_label, words_hint, words_required, buttons } =
        speech(request.kind);
    let shown = context! {
        token, asks, department_label, due_label, words_hint, words_required, buttons => Value::from(Serde(buttons)),
        call => Value::from(Serde(view)), request => Value::from(Serde(request)),
        ended => view.ended_at.is_some(), state => view.state.zh(), officer => caller.name.as_ref(),
        asked_at => time(&request.asked_at), due => request.due_at.as_ref().map(time),
        would_be_due => request.would_be_due_at.as_ref().map(time),
        resolve_due => request.resolve_due_at.as_ref().map(time),
        decided_at => request.decided.as_ref().and_then(|decided| decided.at.as_ref()).map(time),
        problem => problem.map(Problem::words),
    };
    render("decide.html", &shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_says_its_words_and_nothing_else_matters() {
        let words = |form: &'static str| Words::read(&Bytes::from_static(form.as_bytes())).words;
        assert_eq!(words("words=%E5%90%8C%E6%84%8F+%26"), "同意 &");
        assert_eq!(words("other=1&words=a"), "a");
        assert_eq!(words(""), "");
        assert_eq!(words("%ff%00=&&=="), "");
    }
}
