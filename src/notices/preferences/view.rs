//! An order as people see it.

use serde::Serialize;
use utoipa::ToSchema;

use super::version;
use crate::notices::channels::ChannelKind;
use crate::notices::model::{ChannelId, ChannelState};
use crate::notices::store::preferences::Way;
use crate::platform::mask::mask_account;

/// Whose order is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderOf {
    /// The officer's own.
    Own,
    /// His department's.
    Department,
    /// Nobody chose one: by the channels' codes.
    County,
}

/// A way to reach an officer. An application that is paused or dead is passed over.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WayView {
    pub id: ChannelId,
    pub code: String,
    pub kind: ChannelKind,
    pub name: String,
    /// What he is called there, with its middle hidden; none in a department's order.
    pub account: Option<String>,
    pub state: ChannelState,
    /// Whether it stands where it was put; the others follow in the order that holds otherwise.
    pub chosen: bool,
}

/// In which order somebody is tried, and by what.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderView {
    pub order: OrderOf,
    /// The first one in use is tried first; who does not answer is tried by the next.
    pub items: Vec<WayView>,
    #[serde(skip)]
    pub version: i32,
}

/// `whose`: the order of which its own choices are.
pub fn view(ways: Vec<Way>, whose: OrderOf) -> OrderView {
    let order = if ways.iter().any(|way| way.chosen.is_some()) {
        whose
    } else if ways.iter().any(|way| way.by_department.is_some()) {
        OrderOf::Department
    } else {
        OrderOf::County
    };
    let version = version(&ways);
    let shown = |way: Way| WayView {
        id: way.channel,
        code: way.code,
        kind: way.kind,
        name: way.name,
        account: way.user_id.map(|name| mask_account(&name)),
        state: way.state,
        chosen: way.chosen.is_some(),
    };
    OrderView { order, items: ways.into_iter().map(shown).collect(), version }
}
