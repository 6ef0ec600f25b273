//! Whatever befalls a channel, an alarm reaches somebody, or it is known that it did not.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use yijiao::notices::model::{ChannelState, NoticeId, NoticeState};
use yijiao::platform::db::DbError;
use yijiao::sandbox::{Fault, Mode};
use yijiao::schema::notices;

use super::stage::Stage;

/// The rows of a posting in the order of their making: where they went and how they stand.
async fn posting(stage: &Stage, posting: NoticeId) -> Vec<(Option<String>, NoticeState, String)> {
    let mut tx = stage.tx().await;
    notices::table
        .left_join(yijiao::schema::channels::table)
        .filter(notices::posting_id.eq(posting))
        .filter(notices::officer_id.is_not_null())
        .order(notices::id)
        .select((yijiao::schema::channels::code.nullable(), notices::state, notices::reason))
        .load(&mut tx)
        .await
        .unwrap()
}

fn row(room: &str, state: NoticeState, reason: &str) -> (Option<String>, NoticeState, String) {
    (Some(room.to_owned()), state, reason.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_that_killed_its_room_goes_to_the_next_one_at_once_and_takes_the_others_along() {
    let stage = Stage::set().await;
    stage.give_to_office("wecom").await;
    stage.set_channel("dingtalk", ChannelState::Dead).await;
    stage.sandbox.set_fault("feishu", Fault::always(Mode::Dead));
    let first = stage.alarm("feishu").await;
    // Another one waits behind it, for its moment.
    let second = stage.alarm("feishu").await;
    let mut tx = stage.tx().await;
    diesel::update(notices::table.find(second))
        .set((
            notices::state.eq(NoticeState::Retry),
            notices::due_at.eq(Some(stage.now() + TimeDelta::minutes(5))),
        ))
        .execute(&mut tx)
        .await
        .unwrap();
    tx.finish(Ok::<_, DbError>(())).await.unwrap();
    stage.work().await;
    assert_eq!(stage.channel_state("feishu").await, ("dead".to_owned(), "dead_target".to_owned()));
    stage.work().await;
    assert_eq!(
        posting(&stage, first).await,
        [row("feishu", NoticeState::Fallback, "dead_target"), row("wecom", NoticeState::Sent, "")]
    );
    assert_eq!(
        posting(&stage, second).await,
        [row("feishu", NoticeState::Fallback, "channel_dead"), row("wecom", NoticeState::Sent, "")]
    );
    assert_eq!(stage.sandbox.messages("wecom").len(), 2);
    assert_eq!(stage.unsent().await.unaddressed, 0);
    // The next alarm does not go to the dead at all.
    let rows = stage.raise().await;
    assert_eq!(rows[0].channel_id, Some(stage.channel("wecom").await));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_can_be_told_is_known_until_it_is_answered() {
    let stage = Stage::set().await;
    for room in ["wecom", "dingtalk"] {
        stage.set_channel(room, ChannelState::Dead).await;
    }
    stage.sandbox.set_fault("feishu", Fault::always(Mode::Dead));
    let tried = stage.alarm("feishu").await;
    stage.work().await;
    assert_eq!(
        posting(&stage, tried).await,
        [row("feishu", NoticeState::Dead, "nobody_to_address: dead_target")]
    );
    assert_eq!(stage.unsent().await.unaddressed, 1);
    let rows = stage.raise().await;
    assert_eq!(
        posting(&stage, rows[0].id).await,
        [(None, NoticeState::Dead, "nobody_to_address".to_owned())]
    );
    assert_eq!(stage.unsent().await.unaddressed, 2);
    stage.answer().await;
    assert_eq!(stage.unsent().await.unaddressed, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_room_holds_what_is_meant_for_it_while_the_office_hears_it() {
    let stage = Stage::set().await;
    stage.give_to_office("wecom").await;
    stage.set_channel("dingtalk", ChannelState::Dead).await;
    stage.set_channel("feishu", ChannelState::Paused).await;
    let rows = stage.raise().await;
    stage.work().await;
    let mut heard = posting(&stage, rows[0].id).await;
    heard.sort();
    assert_eq!(
        heard,
        [row("feishu", NoticeState::Held, "channel_paused"), row("wecom", NoticeState::Sent, "")]
    );
    stage.set_channel("feishu", ChannelState::Active).await;
    stage.pass(TimeDelta::minutes(1));
    stage.work().await;
    assert_eq!(stage.sandbox.messages("feishu").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_room_has_heard_is_not_said_again() {
    let stage = Stage::set().await;
    stage.sandbox.set_fault("feishu", Fault::always(Mode::WrongSign));
    let rows = stage.raise().await;
    stage.work().await;
    stage.work().await;
    let mut heard = posting(&stage, rows[0].id).await;
    heard.sort();
    assert_eq!(
        heard,
        [
            row("dingtalk", NoticeState::Sent, ""),
            row("feishu", NoticeState::Fallback, "needs_admin"),
            row("wecom", NoticeState::Sent, ""),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_while_it_was_addressed_anew_does_not_leave() {
    let stage = Stage::set().await;
    stage.set_channel("dingtalk", ChannelState::Dead).await;
    stage.sandbox.set_fault("feishu", Fault::always(Mode::Dead));
    let id = stage.alarm("feishu").await;
    stage.work().await;
    // As an answer leaves it that did not see the new row yet.
    let mut tx = stage.tx().await;
    let answered =
        diesel::update(notices::table.find(id)).set(notices::answered.eq(true)).execute(&mut tx).await;
    tx.finish(answered.map_err(DbError::from)).await.unwrap();
    stage.work().await;
    assert_eq!(
        posting(&stage, id).await,
        [
            row("feishu", NoticeState::Fallback, "dead_target"),
            row("wecom", NoticeState::Superseded, "superseded"),
        ]
    );
    assert_eq!(stage.sandbox.messages("wecom").len(), 0);
}
