//! In which order a person is tried by his applications: the order he chose, what he left out after it in that of his department, else by
//! the channels' codes. An order never takes anybody out of reach: it says who comes first, not who is left out.
//!
//! What was chosen here the county's files do not change any more.

mod change;
pub mod routes;
mod view;

use crate::notices::model::ChannelId;
use crate::notices::store::preferences::Way;
use crate::platform::crypto::sha256;

/// The version of an order, for its `ETag`: what it is made of, so that an import which changes it changes this too.
fn version(ways: &[Way]) -> i32 {
    let mut whole = Vec::with_capacity(ways.len() * 17);
    for way in ways {
        whole.extend(way.channel.0.as_bytes());
        whole.push(u8::from(way.chosen.is_some()));
    }
    let [a, b, c, d, ..] = sha256(&whole);
    i32::from_be_bytes([a & 0x7f, b, c, d])
}

/// What was chosen, in order.
fn chosen(ways: &[Way]) -> Vec<ChannelId> {
    ways.iter().filter(|way| way.chosen.is_some()).map(|way| way.channel).collect()
}
