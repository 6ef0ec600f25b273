//! The county's list of services for enterprises (涉企服务清单) and the routing of a call's words to one of its items.

pub mod routing;
