//! What a request of a chat platform is about: the application, the card, who tapped, and whose subscriptions.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::register::Channel;
use crate::notices::channels::ChannelKind;
use crate::notices::model::{AttemptOutcome, ChannelId, NoticeId, NoticeState, SubjectKind};
use crate::organisation::{CountyId, OfficerId};
use crate::schema::{channels, counties, notice_attempts, notices, officer_addresses, platform_logins};

/// The application of this id and kind, of whichever county.
pub async fn application(
    conn: &mut AsyncPgConnection,
    id: ChannelId,
    kind: ChannelKind,
) -> QueryResult<Option<Channel>> {
    channels::table
        .find(id)
        .filter(channels::kind.eq(kind))
        .select(Channel::as_select())
        .first(conn)
        .await
        .optional()
}

/// The applications of all counties: the county's code, the channel's, and what it is.
pub async fn applications(
    conn: &mut AsyncPgConnection,
    kinds: &[ChannelKind],
) -> QueryResult<Vec<(String, String, ChannelKind, ChannelId)>> {
    channels::table
        .inner_join(counties::table.on(counties::id.eq(channels::county_id)))
        .filter(channels::kind.eq_any(kinds))
        .order(channels::id)
        .select((counties::code, channels::code, channels::kind, channels::id))
        .load(conn)
        .await
}

/// Other credentials, of which an administrator changed the callback alone: what else opens the channel is still for the county's files to say.
pub async fn reseal(conn: &mut AsyncPgConnection, id: ChannelId, sealed: &[u8]) -> QueryResult<()> {
    diesel::update(channels::table.find(id))
        .set((
            channels::credentials_sealed.eq(sealed),
            channels::interactive_refused_at.eq(None::<DateTime<Utc>>),
        ))
        .execute(conn)
        .await
        .map(drop)
}

/// When its platform called last; none: it is to prove anew that it can.
pub async fn set_called(
    conn: &mut AsyncPgConnection,
    id: ChannelId,
    at: Option<DateTime<Utc>>,
) -> QueryResult<()> {
    diesel::update(channels::table.find(id)).set(channels::called_at.eq(at)).execute(conn).await.map(drop)
}

diesel::define_sql_function! {
    fn lower(name: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

/// The officer who is called so in an application. WeCom's userids are one name in capitals and small letters, whichever the county's files
/// write and WeCom's callbacks say; those of the other platforms are not.
pub async fn officer(
    conn: &mut AsyncPgConnection,
    channel: ChannelId,
    kind: ChannelKind,
    user_id: &str,
) -> QueryResult<Option<OfficerId>> {
    let mut called = officer_addresses::table
        .filter(officer_addresses::channel_id.eq(channel))
        // Two officers who share one name in an application cannot be told apart: the elder entry stands.
        .order(officer_addresses::id)
        .select(officer_addresses::officer_id)
        .into_boxed();
    called = match kind {
        ChannelKind::WecomApp => called.filter(lower(officer_addresses::user_id).eq(lower(user_id))),
        _ => called.filter(officer_addresses::user_id.eq(user_id)),
    };
    called.first(conn).await.optional()
}

/// What a card is about that an application sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Queryable)]
pub struct SentCard {
    pub subject_kind: SubjectKind,
    pub subject: Uuid,
    /// Whether what it asked for was done.
    pub answered: bool,
}

/// The card that was sent as this notice.
pub async fn card(
    conn: &mut AsyncPgConnection,
    channel: ChannelId,
    notice: NoticeId,
) -> QueryResult<Option<SentCard>> {
    notices::table
        .find(notice)
        .filter(notices::channel_id.eq(channel))
        .select((notices::subject_kind, notices::subject_id, notices::answered))
        .first(conn)
        .await
        .optional()
}

/// What the card is redrawn by from now on, unless it was redrawn already.
pub async fn set_handle(conn: &mut AsyncPgConnection, notice: NoticeId, handle: &str) -> QueryResult<()> {
    diesel::update(notices::table.find(notice).filter(notices::handle.is_not_null()))
        .set(notices::handle.eq(handle))
        .execute(conn)
        .await
        .map(drop)
}

/// The account that is called so in a mini-program.
pub async fn account(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    app_id: &str,
    openid: &str,
) -> QueryResult<Option<Uuid>> {
    platform_logins::table
        .filter(platform_logins::county_id.eq(county))
        .filter(platform_logins::platform.eq("wechat"))
        .filter(platform_logins::app_id.eq(app_id))
        .filter(platform_logins::external_id.eq(openid))
        .select(platform_logins::account_id)
        .first(conn)
        .await
        .optional()
}

/// A message to one person, as its platform names it.
#[derive(Clone, Copy, Debug)]
pub struct SentMessage<'a> {
    pub channel: ChannelId,
    pub recipient: &'a str,
    pub provider_id: &'a str,
}

/// What the platform's word about a message did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undelivered {
    GivenUp,
    /// It was told before, or the notice stands where this says nothing of it any more.
    Known,
    /// No such message went to this person.
    Unknown,
    /// None is known by this name, but one is on its way to this person whose name nobody has noted yet.
    TooEarly,
}

/// Gives up what left as a message that did not arrive: `sent` becomes `dead`, and what the platform said stands after the attempt that
/// it had taken. Several notices may have left as one message.
pub async fn give_up(
    conn: &mut AsyncPgConnection,
    message: SentMessage<'_>,
    said: &str,
    now: DateTime<Utc>,
) -> QueryResult<Undelivered> {
    let to_reader = notices::table
        .filter(notices::channel_id.eq(message.channel))
        .filter(notices::recipient.eq(message.recipient));
    let known: Vec<(NoticeId, CountyId, NoticeState, i32)> = to_reader
        .filter(notices::provider_id.eq(message.provider_id))
        // So that the planner sees that `notices_provider` holds them all.
        .filter(notices::account_id.is_not_null())
        .order(notices::id)
        .select((notices::id, notices::county_id, notices::state, notices::attempt))
        .for_no_key_update()
        .load(conn)
        .await?;
    if known.is_empty() {
        let sending =
            to_reader.filter(notices::state.eq(NoticeState::Sending)).filter(notices::due_at.is_not_null());
        let is_sending: bool = diesel::select(diesel::dsl::exists(sending)).get_result(conn).await?;
        return Ok(if is_sending { Undelivered::TooEarly } else { Undelivered::Unknown });
    }
    let sent: Vec<_> = known.into_iter().filter(|(_, _, state, _)| *state == NoticeState::Sent).collect();
    if sent.is_empty() {
        return Ok(Undelivered::Known);
    }
    let ids: Vec<NoticeId> = sent.iter().map(|(notice, ..)| *notice).collect();
    diesel::update(notices::table.filter(notices::id.eq_any(ids)))
        .set((
            notices::state.eq(NoticeState::Dead),
            notices::reason.eq(format!("{}: {said}", AttemptOutcome::Undelivered)),
            notices::attempt.eq(notices::attempt + 1),
            notices::sent_at.eq(None::<DateTime<Utc>>),
        ))
        .execute(conn)
        .await?;
    let rows: Vec<_> = sent
        .into_iter()
        .map(|(notice, county, _, attempt)| {
            (
                notice_attempts::notice_id.eq(notice),
                notice_attempts::attempt.eq(attempt + 1),
                notice_attempts::county_id.eq(county),
                notice_attempts::started_at.eq(now),
                notice_attempts::took_ms.eq(0),
                notice_attempts::outcome.eq(AttemptOutcome::Undelivered),
                notice_attempts::excerpt.eq(said),
            )
        })
        .collect();
    diesel::insert_into(notice_attempts::table).values(&rows).execute(conn).await?;
    Ok(Undelivered::GivenUp)
}
