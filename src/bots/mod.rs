//! What comes in from chat: the link in a message, and the platforms' callbacks. Each proves who it is, then calls one verb like everybody
//! else, then shows how the call stands.
//!
//! A callback is verified before it is parsed ([`callback`]); a tap on a card ([`tap`]) may come twice, late, or from whom the card was passed on
//! to: who tapped is whom the platform names, and what he may do the verb decides. Owns nothing. May call the verbs, drills, notices (whose cards
//! they are), organisation's ids, identity and platform.

pub mod act;
pub mod callback;
pub mod decide;
pub mod dingtalk;
pub mod feishu;
pub mod heard;
mod tap;
pub mod wechat;
pub mod wecom;
