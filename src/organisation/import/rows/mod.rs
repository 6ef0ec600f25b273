//! What a row of each file holds, as it stands in the file: references are still codes.

mod catalogue;
mod enterprises;
mod links;
mod people;

pub use catalogue::{AsideRow, CategoryRow, ExampleRow, ItemRow, SayingRow, WordsRow};
pub use enterprises::EnterpriseRow;
pub use links::{AddressRow, AdminRow, CardRow, ChannelRow, DepartmentChannelRow, Matter, SANDBOX, is_http};
pub use people::{AreaRow, DepartmentRow, OfficerRow, Role};

/// Longest name, in characters.
const NAME: usize = 100;
/// Longest list or remark, in characters.
const LONG: usize = 4000;
