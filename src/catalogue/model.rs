//! The vocabulary of the catalogue.

use crate::id_type;

id_type!(
    /// A category of services.
    CategoryId
);
id_type!(
    /// A service item.
    ItemId
);
