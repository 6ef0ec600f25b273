//! STYLE habit 4: a column under a list of words is an enum in the code, and both lists are the same.

use std::collections::{BTreeMap, BTreeSet};

use yijiao::calls::model::{Closing, Entrance, MatterKind, MatterState, RouteRule, State};
use yijiao::catalogue::routing::AsideKind;
use yijiao::deadlines::ladder::CardColour;
use yijiao::deadlines::limits::Urgency;
use yijiao::deadlines::model::LiftedBy;
use yijiao::deadlines::on_due::FiringOutcome;
use yijiao::deadlines::{Clock, DeadlineState, Unit};
use yijiao::identity::model::{AccountStatus, EndReason, Platform, Role, Standing};
use yijiao::ledger::ActorKind;
use yijiao::notices::channels::ChannelKind;
use yijiao::notices::model::{AttemptOutcome, ChannelLanguage, ChannelState, NoticeState, Priority};
use yijiao::organisation::model::{AbsenceSource, AreaKind, EnterpriseStatus, Office, OfficerStatus, Post};
use yijiao::supervision::hand_over::HandOverState;
use yijiao::supervision::orders::OrderState;
use yijiao::{deadlines, ledger, notices};

use super::lines;
use crate::kit_db::TestDb;

macro_rules! columns {
    ($($column:literal $kind:ty),+ $(,)?) => {
        vec![$(($column, <$kind>::ALL.iter().map(|word| word.as_str()).collect())),+]
    };
}

/// Every column under a list of words, and its enum.
fn enums() -> Vec<(&'static str, BTreeSet<&'static str>)> {
    columns![
        "absences.source" AbsenceSource,
        "account_roles.role" Role,
        "accounts.status" AccountStatus,
        "areas.kind" AreaKind,
        "calls.closing" Closing,
        "calls.entrance" Entrance,
        "calls.route_rule" RouteRule,
        "calls.state" State,
        "calls.urgency" Urgency,
        "cards.colour" CardColour,
        "catalogue_asides.kind" AsideKind,
        "channels.kind" ChannelKind,
        "channels.language" ChannelLanguage,
        "channels.state" ChannelState,
        "deadlines.clock" Clock,
        "deadlines.lifted_by" LiftedBy,
        "deadlines.limit_unit" Unit,
        "deadlines.state" DeadlineState,
        "deadlines.subject_kind" deadlines::SubjectKind,
        "departments.office" Office,
        "enterprises.status" EnterpriseStatus,
        "firings.outcome" FiringOutcome,
        "hand_overs.state" HandOverState,
        "ledger_events.actor_kind" ActorKind,
        "ledger_events.subject_kind" ledger::SubjectKind,
        "members.standing" Standing,
        "notice_attempts.outcome" AttemptOutcome,
        "notices.priority" Priority,
        "notices.state" NoticeState,
        "notices.subject_kind" notices::model::SubjectKind,
        "officers.post" Post,
        "officers.status" OfficerStatus,
        "platform_logins.platform" Platform,
        "sessions.end_reason" EndReason,
        "side_matters.kind" MatterKind,
        "side_matters.state" MatterState,
        "supervision_orders.state" OrderState,
    ]
}

#[tokio::test]
async fn a_list_of_words_is_the_same_in_postgres_and_in_the_code() {
    let database = TestDb::create();
    // CHECK ((state = ANY (ARRAY['triage'::text, …]))), or CHECK ((state = 'triage'::text)) for a list of one.
    let lists = lines(
        &mut database.owner().await,
        "select conrelid::regclass || '.' || a.attname || '|' || (select string_agg(word[1], ',')
            from regexp_matches(pg_get_constraintdef(k.oid), '''([^'']*)''::text', 'g') word) as line
         from pg_constraint k join pg_attribute a on a.attrelid = k.conrelid and k.conkey = array[a.attnum]
         where k.contype = 'c' and a.atttypid = 'text'::regtype and k.connamespace = 'public'::regnamespace
         and pg_get_constraintdef(k.oid) ~ '^CHECK \\(\\(\\w+ = (ANY \\(ARRAY\\[|'')'",
    )
    .await;
    let in_postgres: BTreeMap<&str, BTreeSet<&str>> = lists
        .iter()
        .map(|line| line.split_once('|').expect("column|words"))
        .map(|(column, words)| (column, words.split(',').collect()))
        .collect();
    let in_code: BTreeMap<_, _> = enums().into_iter().collect();
    for (column, words) in &in_postgres {
        let known = in_code.get(column);
        assert!(known.is_some(), "{column} is under a list of words that no enum here covers: {words:?}");
        assert_eq!(known, Some(words), "{column}: in the code, in Postgres");
    }
    for column in in_code.keys() {
        assert!(in_postgres.contains_key(column), "{column} is under no list of words in Postgres");
    }
}
