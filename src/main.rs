//! The binary's roles.

fn main() {}
