//! What may be done to a card, and by whom. Pure.
//!
//! Appeals are decided by the business office; of a card of the business office itself, by the inspectorate.

use chrono::{DateTime, Utc};

use super::model::{Appeal, Card};
use crate::identity::{Caller, Role};
use crate::organisation::DepartmentId;
use crate::organisation::model::Office;
use crate::supervision::error::SupervisionCode;
use crate::text_enum;

text_enum!(
    /// What can be done to a card.
    CardVerb { Appeal = "appeal", Decide = "decide" }
);

/// What the caller is to the card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CardStanding {
    /// Whose card it is.
    pub holder: bool,
    /// Head or deputy of the department that had the call then.
    pub leads: bool,
    pub of_unit: bool,
    pub business_office: bool,
    pub inspectorate: bool,
    /// Of the organ that decides appeals of this card.
    pub decides: bool,
    /// Made the appeal.
    pub appealed: bool,
}

/// The organ that decides on appeals of a department's cards; `office` is the business office.
#[must_use]
pub fn judge(department: DepartmentId, office: Option<DepartmentId>) -> Office {
    if Some(department) == office { Office::Inspectorate } else { Office::BusinessOffice }
}

impl CardStanding {
    /// The standing of `caller`; `office` is the county's business office.
    #[must_use]
    pub fn of(caller: &Caller, card: &Card, appeal: Option<&Appeal>, office: Option<DepartmentId>) -> Self {
        let of_unit = caller.department == Some(card.department_id);
        let (business_office, inspectorate) =
            (caller.has(Role::BusinessOffice), caller.has(Role::Inspectorate));
        Self {
            holder: caller.officer == Some(card.officer_id),
            leads: of_unit && (caller.has(Role::Head) || caller.has(Role::Deputy)),
            of_unit,
            business_office,
            inspectorate,
            decides: match judge(card.department_id, office) {
                Office::Inspectorate => inspectorate,
                _ => business_office,
            },
            appealed: appeal.is_some_and(|appeal| appeal.appealed_by == caller.account.0),
        }
    }

    /// Whether the card exists for the caller at all.
    #[must_use]
    pub const fn sees(self) -> bool {
        self.holder || self.leads || self.business_office || self.inspectorate
    }
}

/// Whether a verb is open to somebody of this standing at `now`; appeals end at `until`.
pub fn may(
    verb: CardVerb,
    appeal: Option<&Appeal>,
    standing: CardStanding,
    until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), SupervisionCode> {
    let open = appeal.is_some_and(|appeal| appeal.decided_at.is_none());
    match verb {
        CardVerb::Appeal if !(standing.holder || standing.leads) => Err(SupervisionCode::CardNotYours),
        CardVerb::Appeal if appeal.is_some() => Err(SupervisionCode::CardAppealedAlready),
        CardVerb::Appeal if now > until => Err(SupervisionCode::CardAppealLate),
        CardVerb::Decide if standing.business_office && standing.of_unit => {
            Err(SupervisionCode::CardOwnAppeal)
        }
        CardVerb::Decide if !standing.decides => Err(SupervisionCode::CardNotYours),
        CardVerb::Decide if !open => Err(SupervisionCode::CardNoAppeal),
        CardVerb::Decide if standing.appealed || standing.holder || standing.of_unit => {
            Err(SupervisionCode::CardOwnAppeal)
        }
        CardVerb::Appeal | CardVerb::Decide => Ok(()),
    }
}

/// The verbs open to somebody of this standing now.
#[must_use]
pub fn allowed(
    appeal: Option<&Appeal>,
    standing: CardStanding,
    until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Vec<CardVerb> {
    CardVerb::ALL.iter().copied().filter(|verb| may(*verb, appeal, standing, until, now).is_ok()).collect()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use uuid::Uuid;

    use super::*;
    use crate::organisation::CountyId;
    use crate::supervision::cards::CardId;

    #[test]
    fn a_card_is_appealed_once_in_time_and_decided_by_somebody_else() {
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let until = now + TimeDelta::days(1);
        let open = Appeal {
            card_id: CardId::fresh(),
            county_id: CountyId::fresh(),
            appealed_by: Uuid::now_v7(),
            appealed_at: now,
            reason: "企业大门锁着".into(),
            evidence: String::new(),
            decided_by: None,
            decided_at: None,
            upheld: None,
            decision: None,
        };
        let decided = Appeal { decided_at: Some(now), ..open.clone() };
        let holder = CardStanding { holder: true, of_unit: true, ..CardStanding::default() };
        let office = CardStanding { business_office: true, decides: true, ..CardStanding::default() };
        let inspector = CardStanding { inspectorate: true, ..CardStanding::default() };
        let own = CardStanding { of_unit: true, ..office };
        let (appeal, decide) = (CardVerb::Appeal, CardVerb::Decide);
        assert_eq!(may(appeal, None, holder, until, until), Ok(()));
        let late = may(appeal, None, holder, until, until + TimeDelta::seconds(1));
        assert_eq!(late, Err(SupervisionCode::CardAppealLate));
        assert_eq!(
            may(appeal, Some(&decided), holder, until, now),
            Err(SupervisionCode::CardAppealedAlready)
        );
        assert_eq!(may(appeal, None, office, until, now), Err(SupervisionCode::CardNotYours));
        assert_eq!(may(decide, Some(&open), office, until, now), Ok(()));
        assert_eq!(may(decide, Some(&open), own, until, now), Err(SupervisionCode::CardOwnAppeal));
        assert_eq!(may(decide, Some(&open), inspector, until, now), Err(SupervisionCode::CardNotYours));
        assert_eq!(may(decide, Some(&decided), office, until, now), Err(SupervisionCode::CardNoAppeal));
        assert_eq!(may(decide, None, office, until, now), Err(SupervisionCode::CardNoAppeal));
    }

    #[test]
    fn the_inspectorate_judges_the_cards_of_the_business_office_and_no_others() {
        let (office, other) = (DepartmentId::fresh(), DepartmentId::fresh());
        assert_eq!(judge(office, Some(office)), Office::Inspectorate);
        assert_eq!(judge(other, Some(office)), Office::BusinessOffice);
        assert_eq!(judge(other, None), Office::BusinessOffice);
    }
}
