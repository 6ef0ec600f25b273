//! A local stand-in for WeCom, DingTalk, Feishu and WeChat: real wire formats, real signatures, a page to look at.
