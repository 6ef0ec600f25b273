//! The error codes of identity.

use crate::platform::http::problem::Problem;
use crate::problem_codes;

problem_codes! {
    /// What can be wrong with a sign-in, a token or a permission.
    IdentityCode {
        TokenMissing = 401 "token_missing" "请先登录" "Sign in first: Authorization: Bearer …",
        TokenInvalid = 401 "token_invalid" "登录凭证无效，请重新登录" "The access token is not valid; sign in again",
        TokenExpired = 401 "token_expired" "登录凭证已过期，请刷新" "The access token has expired; refresh it",
        Forbidden = 403 "forbidden" "您没有权限办理这一操作" "You may not do this",
        LoginFailed = 401 "login_failed" "账号或密码不正确" "Login or password is wrong",
        AccountLocked = 429 "account_locked" "密码多次输入错误，账号已暂时锁定" "Too many failed passwords; the account is locked for a while",
        AccountDisabled = 403 "account_disabled" "账号已停用，请联系营商办" "The account is no longer active; ask the business office",
        AccountUnknown = 404 "account_unknown" "没有这个账号" "There is no such account",
        PasswordWeak = 422 "password_weak" "密码须为 8 到 128 个字符，并至少包含字母、数字、符号中的两种" "A password has 8 to 128 characters, of at least two kinds: letters, digits, others",
        RefreshInvalid = 401 "refresh_invalid" "登录已失效，请重新登录" "The session is over; sign in again",
        RefreshReused = 401 "refresh_reused" "这一刷新凭证已被使用过，为保护账号，本次登录已终止，请重新登录" "This refresh token was used before; the session has been ended to protect the account",
        RefreshRaced = 409 "refresh_raced" "另一个请求刚刚刷新了登录，请使用它得到的凭证" "Another request refreshed this session at the same moment; use the tokens it received",
        WechatCodeInvalid = 400 "wechat_code_invalid" "微信授权已失效，请重新授权" "The WeChat code is invalid or used; ask for a new one",
        WechatRateLimited = 429 "wechat_rate_limited" "登录太频繁，请一分钟后再试" "WeChat asks to slow down; try again in a minute",
        WechatUserBlocked = 403 "wechat_user_blocked" "微信认为该用户存在风险，暂不能登录" "WeChat refuses this user as a risk",
        WechatUnavailable = 503 "wechat_unavailable" "微信暂时没有响应，请稍后再试" "WeChat does not answer at the moment; try again",
        AccountNotBound = 404 "account_not_bound" "该微信尚未绑定账号，请授权手机号完成绑定" "This WeChat user is not bound yet; send phoneCode to bind by phone number",
        PhoneNotRegistered = 404 "phone_not_registered" "该手机号没有登记，请联系营商办登记" "No account has this phone number; ask the business office to register it",
        AccountAmbiguous = 409 "account_ambiguous" "该手机号登记了多个账号，请选择其中一个" "Several accounts have this phone number; name one of them as login",
    }
}

/// The problem for a fault of ours that nobody outside can mend; the cause goes to the log alone.
pub(crate) fn fault(what: &'static str) -> Problem {
    tracing::error!(what, "identity");
    crate::platform::http::problem::CommonCode::Internal.into()
}
