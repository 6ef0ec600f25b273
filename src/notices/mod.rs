//! Notices: the outbox, the queue, and the channels that carry a message to a person.

pub mod channels;
