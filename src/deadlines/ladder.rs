//! The vocabulary of the ladder (催办→督办→约谈→通报→移交).

use crate::text_enum;

text_enum!(
    /// A card (蓝牌、黄牌、红牌): how grave a missed promise is.
    CardColour { Blue = "blue", Yellow = "yellow", Red = "red" }
);

impl CardColour {
    /// For people.
    #[must_use]
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Blue => "蓝牌",
            Self::Yellow => "黄牌",
            Self::Red => "红牌",
        }
    }
}
