//! Whatever befalls a channel, an alarm reaches somebody, or it is known that it did not.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection as _};
use yijiao::notices::deliver::Delivered;
use yijiao::notices::model::{ChannelState, NewNotice, NoticeId, NoticeState, Priority};
use yijiao::platform::db::DbError;
use yijiao::sandbox::{Fault, Mode};
use yijiao::schema::notices;

use super::lease::hesitant;
use super::stage::{Stage, alarm_params};

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
    stage.work_all().await;
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

/// How many rows somebody will look at, because nobody heard them or nobody acted.
async fn followed(stage: &Stage) -> i64 {
    let mut tx = stage.tx().await;
    let followed = notices::table.filter(notices::follow_at.is_not_null());
    followed.count().get_result(&mut tx).await.unwrap()
}

/// Rows of one posting, one in each of these rooms.
async fn post_together(stage: &Stage, rooms: &[&str]) -> Vec<NoticeId> {
    let mut rows: Vec<NewNotice> = Vec::new();
    for room in rooms {
        let channel = stage.channel(room).await;
        let row = stage.notice(NoticeId::fresh(), channel, Priority::FirstAlarm, alarm_params());
        let posting_id = rows.iter().map(|first| first.id).next().unwrap_or(row.id);
        rows.push(NewNotice { posting_id, ..row });
    }
    stage.post_all(rows.clone()).await;
    rows.into_iter().map(|row| row.id).collect()
}

/// How many sessions wait for a lock that another holds.
async fn lock_waits(onlooker: &mut AsyncPgConnection) -> i64 {
    let waits = "(select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
    let query = diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(waits));
    query.get_result(onlooker).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_rows_that_fail_at_the_same_moment_one_says_that_nobody_heard() {
    let stage = Stage::set().await;
    for room in ["dingtalk", "feishu"] {
        stage.set_channel(room, ChannelState::Dead).await;
    }
    stage.sandbox.set_fault("wecom", Fault::always(Mode::Dead));
    let (go, asked) = hesitant(&stage, "county", "410 Gone", "").await;
    let ids = post_together(&stage, &["wecom", "county"]).await;
    let deliver = |id: NoticeId| {
        let (sender, entry, now) = (stage.jobs.worker.sender.clone(), stage.entry(id), stage.now());
        tokio::spawn(async move { sender.deliver_one(entry, now).await.unwrap() })
    };
    let second = deliver(ids[1]);
    asked.await.unwrap();
    // Whoever has decided that another row carries it waits here with its commit.
    let mut holder = stage.onlooker().await;
    holder
        .batch_execute(
            "create function dawdle() returns trigger language plpgsql as
                $$ begin perform pg_advisory_xact_lock_shared(7); return new; end $$;
             create trigger dawdle before update on notices for each row when (new.state = 'fallback')
                execute function dawdle();
             select pg_advisory_lock(7)",
        )
        .await
        .unwrap();
    let first = deliver(ids[0]);
    while lock_waits(&mut holder).await < 1 {}
    go.send(()).unwrap();
    while !second.is_finished() && lock_waits(&mut holder).await < 2 {}
    holder.batch_execute("select pg_advisory_unlock(7)").await.unwrap();
    for ended in [first.await.unwrap(), second.await.unwrap()] {
        assert_eq!(ended, Delivered::Tried(NoticeState::Dead));
    }
    assert_eq!(
        posting(&stage, ids[0]).await,
        [
            row("wecom", NoticeState::Fallback, "dead_target"),
            row("county", NoticeState::Dead, "nobody_to_address: dead_target"),
        ]
    );
    assert_eq!((followed(&stage).await, stage.unsent().await.unaddressed), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_one_posting_that_die_together_climb_once() {
    let stage = Stage::set().await;
    let ids = post_together(&stage, &["wecom", "dingtalk", "feishu"]).await;
    for room in ["wecom", "dingtalk", "feishu"] {
        stage.set_channel(room, ChannelState::Dead).await;
    }
    stage.work().await;
    let said = "nobody_to_address: channel_dead";
    assert_eq!(
        posting(&stage, ids[0]).await,
        ["wecom", "dingtalk", "feishu"].map(|room| row(room, NoticeState::Dead, said))
    );
    assert_eq!(followed(&stage).await, 1);
    assert_eq!(stage.follow_up().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_a_paused_room_could_hear_is_held_there_and_said_aloud_once() {
    let stage = Stage::set().await;
    for room in ["wecom", "dingtalk"] {
        stage.set_channel(room, ChannelState::Dead).await;
    }
    let early = stage.raise().await[0].id;
    stage.set_channel("feishu", ChannelState::Paused).await;
    let late = stage.raise().await[0].id;
    assert_eq!(stage.follow_up().await, 1, "whoever calls now cannot be heard");
    stage.work().await;
    assert_eq!(stage.follow_up().await, 1, "nor who called before");
    for (id, said) in [(early, "nobody_to_address: channel_paused"), (late, "nobody_to_address")] {
        let held = row("feishu", NoticeState::Held, "channel_paused");
        assert_eq!(posting(&stage, id).await, [held, (None, NoticeState::Dead, said.to_owned())]);
    }
    assert_eq!(stage.unsent().await.unaddressed, 2);
    stage.pass(TimeDelta::minutes(1));
    stage.work().await;
    assert_eq!(stage.follow_up().await, 0, "once");
    assert_eq!((posting(&stage, early).await.len(), posting(&stage, late).await.len()), (2, 2));
    stage.set_channel("feishu", ChannelState::Active).await;
    stage.pass(TimeDelta::minutes(1));
    stage.work().await;
    assert_eq!(stage.sandbox.messages("feishu").len(), 2);
    stage.answer().await;
    assert_eq!(stage.unsent().await.unaddressed, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_room_is_no_way_out_for_what_failed() {
    let stage = Stage::set().await;
    stage.set_channel("wecom", ChannelState::Paused).await;
    stage.set_channel("dingtalk", ChannelState::Dead).await;
    stage.sandbox.set_fault("feishu", Fault::always(Mode::Dead));
    let id = stage.alarm("feishu").await;
    stage.work().await;
    assert_eq!(
        posting(&stage, id).await,
        [row("feishu", NoticeState::Dead, "nobody_to_address: dead_target")]
    );
    assert_eq!(stage.follow_up().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_robot_with_thousands_of_alarms_waiting_dies_like_any_other() {
    const MANY: usize = 3_400;
    let stage = Stage::set().await;
    for room in ["wecom", "dingtalk"] {
        stage.set_channel(room, ChannelState::Dead).await;
    }
    stage.sandbox.set_fault("feishu", Fault::always(Mode::Dead));
    let channel = stage.channel("feishu").await;
    let first = stage.alarm("feishu").await;
    let later = Some(stage.now() + TimeDelta::minutes(9));
    let rows = (0..MANY).map(|_| {
        let row = stage.notice(NoticeId::fresh(), channel, Priority::FirstAlarm, alarm_params());
        NewNotice { state: NoticeState::Retry, due_at: later, ..row }
    });
    stage.post_all(rows.collect()).await;
    stage.work().await;
    assert_eq!(stage.row(first).await.state, NoticeState::Dead);
    assert_eq!(stage.channel_state("feishu").await.0, "dead");
    stage.work_all().await;
    assert!(stage.states().await.into_iter().all(|state| state == NoticeState::Dead));
    assert_eq!(followed(&stage).await, i64::try_from(MANY + 1).unwrap());
}
