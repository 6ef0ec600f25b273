//! What the verbs of supervision refuse.

use crate::problem_codes;

problem_codes! {
    /// Errors of cards, supervision orders and hand-overs.
    SupervisionCode {
        OrderNotFound = 404 "order_not_found" "没有找到这张督办单" "No such supervision order",
        OrderWrongState = 409 "order_wrong_state" "督办单当前的状态不能这样操作" "The order's present state does not allow this",
        OrderNotYours = 403 "order_not_yours" "这一步不由您操作" "This step is not yours to take",
        OrderOwnUnit = 403 "order_own_unit" "不能督办本单位，也不能为本单位办结督办单" "Nobody supervises his own unit",
        OrderOpenAlready = 409 "order_open_already" "该诉求对该单位已有一张未办结的督办单" "An open order of this call and unit exists already",
        OrderCallEnded = 409 "order_call_ended" "诉求已经结束，不再督办" "The call has ended; nothing is ordered for it any more",
        CardNotFound = 404 "card_not_found" "没有找到这张牌" "No such card",
        CardNotYours = 403 "card_not_yours" "这一步不由您操作" "This step is not yours to take",
        CardAppealedAlready = 409 "card_appealed_already" "每张牌只能申诉一次" "A card may be appealed only once",
        CardAppealLate = 409 "card_appeal_late" "已超过申诉期限" "The time to appeal is over",
        CardNoAppeal = 409 "card_no_open_appeal" "没有待裁定的申诉" "There is no appeal to decide",
        CardOwnAppeal = 403 "card_own_appeal" "申诉须由本单位以外的第二人裁定" "An appeal is decided by a second person of another unit",
        HandOverNotFound = 404 "hand_over_not_found" "没有找到这件移交" "No such hand-over",
        HandOverWrongState = 409 "hand_over_wrong_state" "移交当前的状态不能这样操作" "The hand-over's present state does not allow this",
        HandOverNotYours = 403 "hand_over_not_yours" "这一步不由您操作" "This step is not yours to take",
        HandOverSecondPerson = 403 "hand_over_second_person" "复核和签发须由两个人完成" "Review and signature are by two different people",
    }
}
