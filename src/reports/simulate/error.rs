//! The error codes of a replay.

use crate::problem_codes;

problem_codes! {
    /// Why nothing is replayed now.
    SimulateCode {
        Running = 429 "simulation_running" "本县已有一次推演正在进行，请等它结束后再试" "A replay of this county is running; try again when it is done",
    }
}
