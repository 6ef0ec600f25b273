//! One file per provider: renders, signs, sends and understands the answer.
