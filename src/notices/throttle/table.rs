//! How fast we speak to each kind of channel: below what its provider takes, for whether a provider's minute slides or follows the
//! clock is not said, and some drop in silence what is over their limit.

use crate::notices::channels::ChannelKind;
use crate::notices::model::Lane;

/// At most so many messages within so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    pub most: u32,
    pub within_ms: u32,
}

/// What one kind takes: all its messages together, and those to one reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    pub channel: &'static [Limit],
    pub reader: &'static [Limit],
    /// Whether a message to a reader waits until the one before was answered.
    pub one_at_a_time: bool,
    /// Whether it is crowded at full and half hours, so that even who keeps the limits is refused then.
    pub crowded: bool,
}

/// How long a message may take from its leave to its provider, whose window must not be fuller than ours for that: what leaves at the end
/// of one minute and at the beginning of the next may arrive closer together. A second's window has no such room; whoever is too fast
/// there is told so at once, and not silenced.
const ROAD: u32 = 1_000;
const SECOND: u32 = 1_000;
const MINUTE: u32 = 60_000 + ROAD;
const HOUR: u32 = 3_600_000 + ROAD;

/// The table. Above each line stands what the provider itself says.
#[must_use]
pub const fn pace(kind: ChannelKind) -> Pace {
    let (channel, reader): (&[Limit], &[Limit]) = match kind {
        // 20 a minute; then silence for a minute.
        ChannelKind::WecomBot => (&[Limit { most: 18, within_ms: MINUTE }], &[]),
        // 30 and 1000, then dropped in silence.
        ChannelKind::WecomApp => {
            (&[], &[Limit { most: 25, within_ms: MINUTE }, Limit { most: 900, within_ms: HOUR }])
        }
        // 20 a minute; then silence for ten.
        ChannelKind::DingtalkBot => (&[Limit { most: 15, within_ms: MINUTE }], &[]),
        // 20 a second.
        ChannelKind::DingtalkApp => (&[Limit { most: 15, within_ms: SECOND }], &[]),
        // 5 a second, 100 a minute; refused at full and half hours even below.
        ChannelKind::FeishuBot => {
            (&[Limit { most: 4, within_ms: SECOND }, Limit { most: 90, within_ms: MINUTE }], &[])
        }
        // 50, 1000; 5 to one person.
        ChannelKind::FeishuApp => (
            &[Limit { most: 40, within_ms: SECOND }, Limit { most: 900, within_ms: MINUTE }],
            &[Limit { most: 4, within_ms: SECOND }],
        ),
        // One on its way to a person at a time; so no more than one a second, should nobody know of its answer.
        ChannelKind::WechatSubscribe => (&[], &[Limit { most: 1, within_ms: SECOND }]),
        // About one a second.
        ChannelKind::Slack => (&[Limit { most: 1, within_ms: SECOND }], &[]),
        // Says itself when it is too much.
        ChannelKind::Webhook => (&[], &[]),
    };
    Pace {
        channel,
        reader,
        one_at_a_time: matches!(kind, ChannelKind::WechatSubscribe),
        crowded: matches!(kind, ChannelKind::FeishuBot),
    }
}

impl Limit {
    /// What a lane may use of it: a quarter is kept for first alarms.
    #[must_use]
    pub const fn share(self, lane: Lane) -> u32 {
        match lane {
            Lane::First => self.most,
            Lane::Rest => self.most - self.most / 4,
        }
    }
}

/// Between two messages of news to one reader; what comes meanwhile leaves as one.
pub const NEWS: Limit = Limit { most: 1, within_ms: 60_000 };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_a_share_and_alarms_have_more_wherever_there_is_more_than_one() {
        for kind in ChannelKind::ALL {
            let pace = pace(*kind);
            for limit in pace.channel.iter().chain(pace.reader) {
                assert!(limit.share(Lane::Rest) >= 1, "{kind}");
                assert_eq!(limit.share(Lane::First) > limit.share(Lane::Rest), limit.most >= 4, "{kind}");
            }
        }
    }
}
