//! The error codes of a county's ladders.

use crate::problem_codes;

problem_codes! {
    /// Why a county's ladders cannot change now.
    LadderCode {
        TooManyKept = 409 "too_many_ladders" "还有诉求在按此前的多个阶梯提级，请等它们办结后再修改" "Calls still climb by too many earlier ladders; change them again when those have ended",
    }
}
