//! Who hears a notice: one that awaits somebody's action reaches a room, or it is said aloud that nobody could be reached.

use chrono::{DateTime, Utc};

use super::model::{ChannelId, NewNotice, NoticeId, NoticeState, Priority, Reason};
use super::outbox::Draft;
use crate::organisation::{CountyId, DepartmentId, OfficerId};

/// What stands first in the reason of a notice that could not be addressed to anybody; `yijiao check` looks for it.
pub const NOBODY: &str = Reason::NobodyToAddress.as_str();

/// A living room, or a system that listens, and whose it is; no department: the county's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    pub channel: ChannelId,
    pub department: Option<DepartmentId>,
    /// A room of the business office, which stands in for departments without one.
    pub office: bool,
    /// What goes there waits until somebody lets it go on.
    pub paused: bool,
}

/// An application that reaches an officer, and what he is called there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    pub channel: ChannelId,
    pub officer: OfficerId,
    pub user_id: String,
    pub paused: bool,
}

/// Where notices can go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes {
    pub rooms: Vec<Room>,
    /// In the order in which each officer prefers to be reached.
    pub people: Vec<Reach>,
}

/// The rows for one draft. Whoever is to act hears it by the first application that reaches him, and so do the rooms of its department
/// (or of the business office, when it has none); each channel of the county is told. While all rooms of a department are paused, the
/// business office hears its alarms too: an alarm is never only held. Where nobody can hear an alarm now, a row says so.
#[must_use]
pub fn address(draft: &Draft, county: CountyId, routes: &Routes, now: DateTime<Utc>) -> Vec<NewNotice> {
    let own = |room: &Room| room.department.is_some() && room.department == draft.department;
    let alarms = draft.officer.is_some();
    let has_own = routes.rooms.iter().any(|room| own(room) && !(alarms && room.paused));
    let hears = |room: &&Room| {
        draft.department.is_some() && (own(room) || (room.office && room.department.is_some() && !has_own))
    };
    let blank = || blank(draft, county, now);
    let in_person = routes.people.iter().find(|reach| Some(reach.officer) == draft.officer && !reach.paused);
    let in_person_now = in_person.is_some();
    let in_person = in_person.map(|reach| NewNotice {
        channel_id: Some(reach.channel),
        recipient: reach.user_id.clone(),
        ..blank()
    });
    let in_room = |room: &Room| NewNotice { channel_id: Some(room.channel), ..blank() };
    let mut rows: Vec<NewNotice> = in_person.into_iter().collect();
    rows.extend(routes.rooms.iter().filter(hears).map(in_room));
    let heard = in_person_now || routes.rooms.iter().filter(hears).any(|room| !room.paused);
    if alarms && !heard {
        rows.push(unaddressed(draft, county, now));
    }
    let systems = routes.rooms.iter().filter(|room| room.department.is_none());
    rows.extend(systems.map(|room| NewNotice {
        officer_id: None,
        priority: Priority::Normal,
        ..in_room(room)
    }));
    // The first stands for all.
    let posting = rows.first().map(|first| first.id);
    for row in &mut rows {
        row.posting_id = posting.unwrap_or(row.posting_id);
    }
    rows
}

/// A row of a draft that goes nowhere yet.
#[must_use]
pub fn blank(draft: &Draft, county: CountyId, now: DateTime<Utc>) -> NewNotice {
    let id = NoticeId::fresh();
    NewNotice {
        id,
        county_id: county,
        subject_kind: draft.subject_kind,
        subject_id: draft.subject_id,
        event: draft.event.to_owned(),
        posting_id: id,
        channel_id: None,
        recipient: String::new(),
        officer_id: draft.officer,
        account_id: None,
        priority: draft.priority,
        params: draft.params.clone(),
        state: NoticeState::Queued,
        attempt: 0,
        due_at: Some(now),
        answered: false,
        created_at: now,
        sent_at: None,
        follow_at: None,
        reason: String::new(),
        redraws: None,
    }
}

fn unaddressed(draft: &Draft, county: CountyId, now: DateTime<Utc>) -> NewNotice {
    tracing::error!(subject = %draft.subject_id, event = draft.event, "an alarm can be addressed to nobody");
    metrics::counter!("notices_unaddressed_total").increment(1);
    let row = blank(draft, county, now);
    NewNotice {
        state: NoticeState::Dead,
        due_at: None,
        follow_at: Some(now),
        reason: NOBODY.to_owned(),
        ..row
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use uuid::Uuid;

    use super::*;
    use crate::notices::model::SubjectKind;

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

    fn in_rooms(rooms: &[Room]) -> Routes {
        Routes { rooms: rooms.to_vec(), people: Vec::new() }
    }

    fn heard(draft: &Draft, rooms: &[Room]) -> Vec<(Option<ChannelId>, Priority, bool)> {
        let rows = address(draft, CountyId::fresh(), &in_rooms(rooms), DateTime::UNIX_EPOCH);
        assert!(rows.iter().all(|row| row.posting_id == rows[0].id));
        rows.iter().map(|row| (row.channel_id, row.priority, row.officer_id.is_some())).collect()
    }

    #[test]
    fn a_room_hears_its_own_and_the_office_stands_in() {
        let [own, other, office] = [(); 3].map(|()| DepartmentId::fresh());
        let [own_room, other_room, office_room, hook] = [(); 4].map(|()| ChannelId::fresh());
        let route = |channel, department, office| Room { channel, department, office, paused: false };
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
        // Where nobody else can, it is held there and said aloud.
        let nobody = (None, Priority::FirstAlarm, true);
        assert_eq!(heard(&draft(Some(own)), &routes[..2]), [alarm(own_room), nobody]);
        routes[2].paused = true;
        assert_eq!(heard(&roomless, &routes), [alarm(office_room), nobody, to_hook]);
    }

    #[test]
    fn an_alarm_that_nobody_hears_says_so_and_news_need_not() {
        let office = Some(DepartmentId::fresh());
        let hook = Room { channel: ChannelId::fresh(), department: None, office: false, paused: false };
        let rows = address(&draft(office), CountyId::fresh(), &in_rooms(&[hook]), DateTime::UNIX_EPOCH);
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

    #[test]
    fn whoever_is_to_act_is_reached_in_person_by_the_first_way_that_is_open() {
        let department = DepartmentId::fresh();
        let alarm = draft(Some(department));
        let [paused, first, second, room] = [(); 4].map(|()| ChannelId::fresh());
        let reach = |channel, officer: Option<OfficerId>, paused| Reach {
            channel,
            officer: officer.unwrap_or_else(OfficerId::fresh),
            user_id: "u".to_owned(),
            paused,
        };
        let mut routes =
            in_rooms(&[Room { channel: room, department: Some(department), office: false, paused: false }]);
        routes.people = vec![
            reach(paused, alarm.officer, true),
            reach(second, None, false),
            reach(first, alarm.officer, false),
            reach(second, alarm.officer, false),
        ];
        let told = |draft: &Draft, routes: &Routes| {
            let rows = address(draft, CountyId::fresh(), routes, DateTime::UNIX_EPOCH);
            rows.into_iter().map(|row| (row.channel_id, row.recipient)).collect::<Vec<_>>()
        };
        let to = |channel, recipient: &str| (Some(channel), recipient.to_owned());
        assert_eq!(told(&alarm, &routes), [to(first, "u"), to(room, "")]);
        let news = Draft { officer: None, ..alarm.clone() };
        assert_eq!(told(&news, &routes), [to(room, "")]);
        routes.rooms.clear();
        assert_eq!(told(&alarm, &routes), [to(first, "u")]);
    }
}
