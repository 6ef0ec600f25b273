//! What comes in from chat: the link in a message today, the platforms' callbacks beside it. Each proves who it is, then calls one verb
//! like everybody else, then shows how the call stands.
//!
//! Owns nothing. May call the verbs, identity and platform.

pub mod act;
pub mod decide;
pub mod heard;
