//! Telling an enterprise: each of its people finds the news in his inbox, and hears it from WeChat while he has a subscription left.

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;

use super::address::blank;
use super::channels::Settings;
use super::model::{NewNotice, NoticeState};
use super::outbox::{self, Draft};
use super::params::for_enterprise;
use super::store::grants;
use crate::organisation::{CountyId, EnterpriseId};

/// Posts a draft to the people of an enterprise, each row a posting of its own.
pub async fn tell(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    enterprise: EnterpriseId,
    draft: &Draft,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let people = grants::people(conn, enterprise).await?;
    // No link of an officer, nor his own number, leaves the house; what he wrote to them does, whole.
    let draft = Draft { officer: None, params: for_enterprise(&draft.params), ..draft.clone() };
    let mut rows: Vec<NewNotice> = people
        .iter()
        .map(|account| NewNotice {
            account_id: Some(*account),
            state: NoticeState::Sent,
            due_at: None,
            sent_at: Some(now),
            ..blank(&draft, county, now)
        })
        .collect();
    let mut spent = Vec::new();
    for (channel, settings, _) in grants::subscribe_channels(conn, county).await? {
        let settings: Settings = serde_json::from_value(settings).unwrap_or_default();
        let Some(template) = settings.templates.get(draft.event) else { continue };
        let app_id = settings.app_id.as_deref().unwrap_or_default();
        let openids = grants::openids(conn, &people, app_id).await?;
        let known: Vec<_> = openids.keys().copied().collect();
        for (account, grant) in grants::spend(conn, &known, channel, &template.id, now).await? {
            let row = rows.iter_mut().find(|row| row.account_id == Some(account) && row.channel_id.is_none());
            if let (Some(row), Some(openid)) = (row, openids.get(&account)) {
                row.channel_id = Some(channel);
                row.recipient.clone_from(openid);
                (row.state, row.due_at, row.sent_at) = (NoticeState::Queued, Some(now), None);
                spent.push((grant, row.id));
            }
        }
    }
    outbox::post(conn, &rows).await?;
    for (grant, notice) in spent {
        grants::note(conn, grant, notice).await?;
    }
    Ok(())
}
