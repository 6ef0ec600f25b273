//! What a call's verbs refuse, and how it is said.

use super::model::State;
use super::state::Refusal;
use crate::platform::http::problem::Problem;
use crate::problem_codes;

problem_codes! {
    /// Errors of calls.
    CallCode {
        CallNotFound = 404 "call_not_found" "没有找到这条诉求" "No such call",
        WrongState = 409 "call_wrong_state" "诉求当前的状态不能这样操作" "The call's present state does not allow this",
        AlreadyAccepted = 409 "call_already_accepted" "已有人接单" "Somebody has accepted the call already",
        NotYours = 403 "call_not_yours" "这一步不由您操作" "This step is not yours to take",
        AlreadyAsked = 409 "call_already_asked" "同类申请正在办理，请等待答复" "A request of this kind is already open",
        NothingOpen = 409 "call_nothing_open" "没有待办理的这类申请" "There is nothing of this kind open",
        AssistanceOpen = 409 "call_assistance_open" "协办部门尚未办结，暂不能办结" "Another department's assistance is still open",
        Paused = 409 "call_paused" "诉求已在暂停计时" "The call is already paused",
        Once = 409 "call_once_only" "这项操作只能进行一次" "This can be done only once",
        UnknownItem = 422 "unknown_item" "没有这个服务事项" "No such service item",
        UnknownDepartment = 422 "unknown_department" "没有这个部门" "No such department",
        UnknownOfficer = 422 "unknown_officer" "没有这位工作人员，或其已不在岗" "No such officer, or not on duty",
        NobodyReachable = 409 "nobody_reachable" "该部门目前没有可以接单的人" "Nobody of that department can be reached now",
        NoEnterprise = 403 "no_enterprise" "您还没有绑定企业，请联系企业管理员邀请您" "You are not a member of any enterprise",
        EnterpriseRequired = 422 "enterprise_required" "您绑定了多家企业，请说明是哪一家" "You belong to several enterprises; say which one",
        UnknownEnterprise = 422 "unknown_enterprise" "没有这家企业" "No such enterprise",
        TooLate = 409 "call_too_late" "已超过可以这样操作的时间" "The time for this is over",
        TooOften = 429 "call_urged_too_often" "催办太频繁，请稍后再试" "You have urged too often; please wait",
        NothingToEscalate = 409 "nothing_to_escalate" "目前没有可以提级的时限" "No clock has a step left that could be lifted now",
        ArrivalUnproven = 422 "arrival_unproven" "到场未能核实：请输入企业出示的到场码，或在企业附近操作" "Arrival not proven: enter the enterprise's code or be near it",
        ArrivalCodeTries = 429 "arrival_code_tries" "到场码输错次数过多，请稍后换用新的到场码，或请企业确认到场" "Too many wrong arrival codes; wait for the next one, or let the enterprise confirm",
        WrongReason = 422 "unknown_reason" "请选择规定的理由" "The reason is not on the list",
        OverLimit = 422 "over_limit" "超过规定的上限" "Over the limit that the rules allow",
        NotMergeable = 422 "not_mergeable" "只能并入同一企业、同一事项、尚未办结的诉求" "Only an open call of the same enterprise and item can take it over",
        AlreadyDecided = 409 "call_already_decided" "这项申请已有结论" "This request has been decided already",
        OwnRequest = 403 "own_request" "不能审批自己提出的申请" "Nobody decides his own request",
        BadNumber = 422 "bad_number" "诉求编号有误，请核对" "The call number is not valid",
    }
}

impl Refusal {
    /// The refusal as an answer that tells the present state.
    #[must_use]
    pub fn problem(self, state: State) -> Problem {
        let code = match self {
            Self::State => CallCode::WrongState,
            Self::Taken => CallCode::AlreadyAccepted,
            Self::NotYours => CallCode::NotYours,
            Self::AlreadyAsked => CallCode::AlreadyAsked,
            Self::NothingOpen => CallCode::NothingOpen,
            Self::AssistanceOpen => CallCode::AssistanceOpen,
            Self::Paused => CallCode::Paused,
            Self::Once => CallCode::Once,
        };
        let problem = code.problem().with("state", state.as_str());
        if self == Self::State {
            problem.detail(format!("诉求目前为“{}”", state.zh()), format!("the call is {state}"))
        } else {
            problem
        }
    }
}
