//! The error codes of channels and notices.

use crate::problem_codes;

problem_codes! {
    /// Why an administrator's wish cannot be fulfilled.
    NoticeCode {
        ChannelNotFound = 404 "channel_not_found" "没有这个消息通道" "There is no such channel",
        EventNotFound = 404 "event_not_found" "没有这个事件的消息文字" "There is no such event whose words could be changed",
        NoticeNotFound = 404 "notice_not_found" "没有这条通知" "There is no such notice",
        ChannelTaken = 409 "channel_code_taken" "这个通道代码已被使用" "Another channel has this code",
        ChannelUnused = 409 "channel_not_active" "通道已暂停或失效，请先恢复它" "The channel is paused or dead; resume it first",
        NotToSend = 409 "notice_not_retriable" "这条通知现在不能重发" "This notice cannot be sent again now",
        NotToCancel = 409 "notice_not_cancellable" "这条通知已经发出或正在发出，不能取消" "This notice has left or is leaving; it cannot be cancelled",
        Answered = 409 "notice_answered" "所提醒的事已经办了，不必再发" "What it asks for has been done; it need not be sent",
        Nobody = 409 "nobody_to_address" "仍然没有可用的通道能送到任何人" "There is still no channel that reaches anybody",
        Untestable = 422 "channel_not_testable" "微信订阅消息每条都要用掉企业的一次授权，不能试发" "A subscription message costs an enterprise's consent, so it is not sent for a test",
    }
}
