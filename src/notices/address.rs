//! Who hears a notice: one that awaits somebody's action reaches a room, or it is said aloud that nobody could be reached.

use chrono::{DateTime, Utc};

use super::model::{ChannelId, NewNotice, NoticeId, NoticeState, Priority};
use super::outbox::Draft;
use crate::organisation::{CountyId, DepartmentId};

/// What stands first in the reason of a notice that could not be addressed to anybody; `yijiao check` looks for it.
pub const NOBODY: &str = "nobody_to_address";

/// A living channel and whose it is; no department: the county's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    pub channel: ChannelId,
    pub department: Option<DepartmentId>,
    /// A room of the business office, which stands in for departments without one.
    pub office: bool,
    /// What goes there waits until somebody lets it go on.
    pub paused: bool,
}

/// The rows for one draft: one per room of its department (or of the business office, when it has none) and one per channel of the
/// county. While all rooms of a department are paused, the business office hears its alarms too: an alarm is never only held. An
/// alarm that no room can hear becomes a row that says so.
#[must_use]
pub fn address(draft: &Draft, county: CountyId, routes: &[Route], now: DateTime<Utc>) -> Vec<NewNotice> {
    let own = |route: &Route| route.department.is_some() && route.department == draft.department;
    let alarms = draft.officer.is_some();
    let has_own = routes.iter().any(|route| own(route) && !(alarms && route.paused));
    let rooms = |route: &&Route| {
        draft.department.is_some() && (own(route) || (route.office && route.department.is_some() && !has_own))
    };
    let id = NoticeId::fresh();
    let row = |route: &Route| NewNotice {
        channel_id: Some(route.channel),
        officer_id: draft.officer.filter(|_| route.department.is_some()),
        priority: if route.department.is_some() { draft.priority } else { Priority::Normal },
        ..blank(draft, county, now)
    };
    let heard: Vec<NewNotice> = routes.iter().filter(rooms).map(row).collect();
    let systems = routes.iter().filter(|route| route.department.is_none()).map(row);
    let mut rows = if alarms && heard.is_empty() { vec![unaddressed(draft, county, now)] } else { heard };
    rows.extend(systems);
    // The first stands for all.
    if let Some(first) = rows.first_mut() {
        first.id = id;
    }
    for row in &mut rows {
        row.posting_id = id;
    }
    rows
}

fn blank(draft: &Draft, county: CountyId, now: DateTime<Utc>) -> NewNotice {
    let id = NoticeId::fresh();
    NewNotice {
        id,
        county_id: county,
        subject_kind: draft.subject_kind,
        subject_id: draft.subject_id,
        event: draft.event.to_owned(),
        posting_id: id,
        channel_id: None,
        officer_id: draft.officer,
        priority: draft.priority,
        params: draft.params.clone(),
        state: NoticeState::Queued,
        attempt: 0,
        due_at: Some(now),
        answered: false,
        created_at: now,
        reason: String::new(),
    }
}

fn unaddressed(draft: &Draft, county: CountyId, now: DateTime<Utc>) -> NewNotice {
    tracing::error!(subject = %draft.subject_id, event = draft.event, "an alarm can be addressed to nobody");
    metrics::counter!("notices_unaddressed_total").increment(1);
    let row = blank(draft, county, now);
    NewNotice { state: NoticeState::Dead, due_at: None, reason: NOBODY.to_owned(), ..row }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use uuid::Uuid;

    use super::*;
    use crate::notices::model::SubjectKind;
    use crate::organisation::OfficerId;

    fn draft(department: Option<DepartmentId>) -> Draft {
        Draft {
            subject_kind: SubjectKind::Call,
            subject_id: Uuid::nil(),
            event: "call.dispatched",
            department,
            officer: Some(OfficerId::fresh()),
            priority: Priority::FirstAlarm,
            params: Value::Null,
        }
    }

    fn heard(draft: &Draft, routes: &[Route]) -> Vec<(Option<ChannelId>, Priority, bool)> {
        let rows = address(draft, CountyId::fresh(), routes, DateTime::UNIX_EPOCH);
        assert!(rows.iter().all(|row| row.posting_id == rows[0].id));
        rows.iter().map(|row| (row.channel_id, row.priority, row.officer_id.is_some())).collect()
    }

    #[test]
    fn a_room_hears_its_own_and_the_office_stands_in() {
        let [own, other, office] = [(); 3].map(|()| DepartmentId::fresh());
        let [own_room, other_room, office_room, hook] = [(); 4].map(|()| ChannelId::fresh());
        let route = |channel, department, office| Route { channel, department, office, paused: false };
        let mut routes = [
            route(own_room, Some(own), false),
            route(other_room, Some(other), false),
            route(office_room, Some(office), true),
            route(hook, None, false),
        ];
        let alarm = |room| (Some(room), Priority::FirstAlarm, true);
        let to_hook = (Some(hook), Priority::Normal, false);
        assert_eq!(heard(&draft(Some(own)), &routes), [alarm(own_room), to_hook]);
        let roomless = draft(Some(DepartmentId::fresh()));
        assert_eq!(heard(&roomless, &routes), [alarm(office_room), to_hook]);
        // What a paused room holds somebody else hears, when it awaits an action.
        routes[0].paused = true;
        assert_eq!(heard(&draft(Some(own)), &routes), [alarm(own_room), alarm(office_room), to_hook]);
        let news = Draft { officer: None, priority: Priority::Normal, ..draft(Some(own)) };
        assert_eq!(heard(&news, &routes), [(Some(own_room), Priority::Normal, false), to_hook]);
    }

    #[test]
    fn an_alarm_that_nobody_hears_says_so_and_news_need_not() {
        let office = Some(DepartmentId::fresh());
        let hook = Route { channel: ChannelId::fresh(), department: None, office: false, paused: false };
        let rows = address(&draft(office), CountyId::fresh(), &[hook], DateTime::UNIX_EPOCH);
        assert_eq!(
            (rows[0].state, rows[0].due_at, rows[0].reason.as_str()),
            (NoticeState::Dead, None, NOBODY)
        );
        assert_eq!((rows[0].channel_id, rows[0].officer_id.is_some()), (None, true));
        assert_eq!((rows.len(), rows[1].channel_id), (2, Some(hook.channel)));
        let news = Draft { officer: None, ..draft(office) };
        assert_eq!(heard(&news, &[]), []);
        assert_eq!(heard(&draft(None), &[]).len(), 1);
    }
}
