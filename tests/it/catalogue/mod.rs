//! The catalogue: finding the item that an enterprise means.

mod routing;
