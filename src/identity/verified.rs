//! Tokens verified a moment ago: an EdDSA check costs 31 µs, a look here less than one.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::caller::Caller;

/// Entries of one generation; there are never more than two.
const GENERATION: usize = 4096;

/// How long an entry is believed at most: so long a withdrawn key may still work.
const BELIEVED: TimeDelta = TimeDelta::seconds(60);

type Digest = [u8; 32];

/// SHA-256 of a token → its caller. Bounded: when the young generation is full it becomes the old one, which is forgotten.
#[derive(Debug, Default)]
pub(super) struct Verified(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Digest, Entry>,
    old: HashMap<Digest, Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    caller: Caller,
    until: DateTime<Utc>,
}

impl Verified {
    pub(super) fn get(&self, digest: &Digest, now: DateTime<Utc>) -> Option<Caller> {
        let generations = self.lock();
        let entry = generations.young.get(digest).or_else(|| generations.old.get(digest))?;
        (now < entry.until).then(|| entry.caller.clone())
    }

    /// Remembers a token that lives until `expires`.
    pub(super) fn put(&self, digest: Digest, caller: Caller, now: DateTime<Utc>, expires: DateTime<Utc>) {
        let mut generations = self.lock();
        if generations.young.len() >= GENERATION {
            generations.old = std::mem::take(&mut generations.young);
        }
        generations.young.insert(digest, Entry { caller, until: expires.min(now + BELIEVED) });
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        // The maps are whole between any two steps, so a panic elsewhere leaves nothing to fear.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::model::{AccountId, RoleSet, SessionId};
    use crate::organisation::CountyId;

    fn caller() -> Caller {
        Caller {
            account: AccountId::fresh(),
            county: CountyId::fresh(),
            session: SessionId::fresh(),
            officer: None,
            department: None,
            name: "吕己未".into(),
            roles: RoleSet::EMPTY,
        }
    }

    fn digest(n: usize) -> Digest {
        crate::platform::crypto::sha256(&n.to_be_bytes())
    }

    #[test]
    fn an_entry_is_believed_for_a_minute_and_never_beyond_the_token() {
        let now = DateTime::UNIX_EPOCH;
        let cache = Verified::default();
        cache.put(digest(1), caller(), now, now + TimeDelta::seconds(900));
        cache.put(digest(2), caller(), now, now + TimeDelta::seconds(10));
        assert!(cache.get(&digest(1), now + TimeDelta::seconds(59)).is_some());
        assert!(cache.get(&digest(1), now + TimeDelta::seconds(60)).is_none());
        assert!(cache.get(&digest(2), now + TimeDelta::seconds(10)).is_none());
        assert!(cache.get(&digest(3), now).is_none());
    }

    #[test]
    fn it_never_holds_more_than_two_generations() {
        let now = DateTime::UNIX_EPOCH;
        let cache = Verified::default();
        let someone = caller();
        for n in 0..3 * GENERATION {
            cache.put(digest(n), someone.clone(), now, now + TimeDelta::seconds(900));
        }
        assert!(cache.get(&digest(3 * GENERATION - 1), now).is_some());
        assert!(cache.get(&digest(GENERATION), now).is_some());
        assert!(cache.get(&digest(0), now).is_none());
    }
}
