//! The error codes of drills.

use crate::problem_codes;

problem_codes! {
    /// Why a drill is refused.
    DrillCode {
        NotFound = 404 "drill_not_found" "没有这次联络测试" "There is no such drill",
        TooSoon = 409 "drill_too_soon" "一天之内已经测试过一次，不要反复打扰大家" "There was a drill within a day; people are not to be bothered again",
    }
}
