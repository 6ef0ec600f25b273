//! What the enterprise said, without how it was typed or dictated: one spelling of characters, no punctuation, no courtesies,
//! no "we are such and such from such a place".

use std::collections::HashMap;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

/// Longer texts are read up to here (characters after cleaning); a matter is named in the first lines or not at all.
const LONGEST: usize = 600;

/// Said in every call whatever it is about. Longer before shorter where one contains the other.
const COURTESIES: &[&str] = &[
    "工单已核实联系方式",
    "请相关部门处理",
    "希望尽快答复",
    "要求回复",
    "来电人反映",
    "请尽快答复",
    "麻烦回个电话",
    "麻烦马上来人",
    "麻烦你们了",
    "给咱解决一下",
    "你给说一下",
    "你给看一下",
    "给说一下",
    "我给你说",
    "我问个事",
    "麻烦问一下",
    "麻烦问下",
    "咨询一下",
    "反映一下",
    "反映个事",
    "请问一下",
    "请问",
    "同志",
    "领导好",
    "领导",
    "您好",
    "你好",
    "谢谢",
    "辛苦了",
    "盼复",
    "行不行",
    "就是说",
    "急急急",
    "很急",
    "等不成了",
    "今天就要",
    "咋办",
    "怎么办",
    "诉求",
    "市民 企业 称",
    "咨询",
    "热线转办",
    "帮忙",
    "麻烦",
    "在线等",
    "尽快",
    "赶紧",
    "赶快些",
    "好不好",
    "可以吗",
    "喂",
    "哎",
    "嗯",
];

/// Sounds at the ends of a stretch of speech that carry nothing.
const OPENING_SOUNDS: &[char] = &['啊', '嗯', '哎', '喂'];
const CLOSING_SOUNDS: &[char] = &['啊', '呢', '哩', '嘛', '吗', '咧', '吧', '呀'];

/// Common traditional characters of this field and their simplified forms, pairwise.
const TRADITIONAL: &str = "電电貸贷證证業业執执辦办稅税開开廠厂廢废環环設设備备驗验氣气補补貼贴險险費费問问題题請请處处罰罚還还錢钱銀银擔担資资產产權权專专術术廣广場场訴诉糾纠紛纷調调協协議议車车輛辆運运輸输\
貨货過过審审報报統统計计規规劃划築筑員员勞劳動动傷伤認认發发領领與与關关門门無无網网號号線线頻频纜缆斷断壓压變变負负漲涨價价賬账賠赔償偿時时間间應应該该級级類类項项標标準准買买賣卖\
銷销對对結结續续節节約约許许評评創创轉转質质監监測测東东飯饭書书園园區区從从會会來来們们個个為为幾几經经營营圖图軟软聯联絡络億亿萬万離离職职養养醫医療疗學学歷历師师傳传幫帮減减優优\
籤签簽签裡里這这沒没燈灯壞坏貴贵髒脏亂乱搶抢騙骗盜盗竊窃訓训課课獎奖勵励機机爐炉鍋锅櫃柜識识辭辞鬧闹殘残種种戶户務务帳账據据構构橋桥溝沟淨净熱热溫温濕湿潔洁滅灭災灾煙烟塵尘礦矿鋼钢\
鐵铁銅铜燒烧籌筹購购訂订單单傾倾樓楼層层牆墙圍围廚厨廁厕貿贸諮咨詢询諾诺擴扩遷迁徵征復复誰谁嗎吗堅坚";

/// Normalised characters, everything that is no letter or digit turned into a single space between stretches.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_tag = false;
    let closes = text.contains('>');
    let mut length = 0;
    for c in text.nfkc().flat_map(char::to_lowercase) {
        if length >= LONGEST {
            break;
        }
        if in_tag {
            in_tag = c != '>';
        } else if c == '<' && closes {
            in_tag = true;
            out.push(' ');
        } else if c.is_alphanumeric() {
            out.push(simplified(c));
            length += 1;
        } else if !out.ends_with(' ') {
            out.push(' ');
        }
    }
    squeezed(&out)
}

/// The same without any spaces: for the words of the catalogue.
pub(super) fn solid(word: &str) -> String {
    plain(word).replace(' ', "")
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn simplified(c: char) -> char {
    static FORMS: LazyLock<HashMap<char, char>> = LazyLock::new(|| {
        let mut pairs = TRADITIONAL.chars();
        std::iter::from_fn(|| Some((pairs.next()?, pairs.next()?))).collect()
    });
    FORMS.get(&c).copied().unwrap_or(c)
}

/// Cleans calls of one county.
#[derive(Debug)]
pub(super) struct Cleaner {
    places: Vec<String>,
}

impl Cleaner {
    pub(super) fn new(places: &[String]) -> Self {
        let mut places: Vec<String> = places.iter().map(|place| solid(place)).collect();
        places.retain(|place| place.chars().nth(1).is_some());
        Self { places }
    }

    /// Stretches of what is left of a call, parted by single spaces; empty when nothing is left.
    pub(super) fn clean(&self, text: &str) -> String {
        let mut text = plain(text);
        for courtesy in COURTESIES {
            if text.contains(courtesy) {
                text = text.replace(courtesy, " ");
            }
        }
        let text = self.without_sender(&without_hotline(&squeezed(&text)));
        let bare = text
            .split_whitespace()
            .map(|s| s.trim_start_matches(OPENING_SOUNDS).trim_end_matches(CLOSING_SOUNDS));
        bare.filter(|stretch| !stretch.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// Drops "我是……的" and a leading "place + enterprise" stretch: the trade in an enterprise's name (光伏发电, 物流) would
    /// otherwise be read as its trouble. Nothing is dropped when too little would remain.
    fn without_sender(&self, text: &str) -> String {
        let text = without_introduction(text).unwrap_or_else(|| text.to_owned());
        let Some((first, rest)) = text.split_once(' ') else { return text };
        let named = self.places.iter().any(|place| first.starts_with(place.as_str()));
        if named && (5..=18).contains(&first.chars().count()) && rest.chars().count() >= 4 {
            return rest.to_owned();
        }
        text
    }
}

/// The hotline's form: "某园区某企业来电，……".
fn without_hotline(text: &str) -> String {
    match text.split_once("企业来电") {
        Some((sender, rest)) if sender.chars().count() <= 20 => rest.trim().to_owned(),
        _ => text.to_owned(),
    }
}

/// "我是某某厂里的……" → "……". None when the text has no such opening.
fn without_introduction(text: &str) -> Option<String> {
    let (before, after) = ["我们是", "我是", "我这是", "我们这是"]
        .into_iter()
        .find_map(|opening| text.split_once(opening).filter(|(before, _)| before.chars().count() <= 6))?;
    if after.starts_with(['想', '要', '来', '问']) {
        return None;
    }
    let stretch = after.split(' ').next()?;
    let (name, end) = ["的企业", "厂里的", "公司的", "的"].into_iter().find_map(|end| {
        stretch.split_once(end).filter(|(name, _)| name.chars().count() <= 18).map(|(name, _)| (name, end))
    })?;
    let rest = after.get(name.len() + end.len()..)?.trim();
    (rest.chars().count() >= 3).then(|| format!("{before} {rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(text: &str) -> String {
        Cleaner::new(&["庄里镇".into(), "庄里".into()]).clean(text)
    }

    #[test]
    fn drops_courtesies_and_punctuation() {
        assert_eq!(clean("您好，厂里停电了，请尽快答复！！！"), "厂里停电了");
        assert_eq!(clean("【热线转办】庄里某企业来电，公章丢了。希望尽快答复。"), "公章丢了");
        assert_eq!(clean("市民（企业）称水管爆了，要求回复。工单已核实联系方式。"), "水管爆了");
        assert_eq!(clean("喂 你好啊 谢谢"), "");
    }

    #[test]
    fn reads_one_spelling() {
        assert_eq!(clean("ＳＣ証　停電"), "sc証 停电");
        assert_eq!(clean("<script>alert(1)</script> 停电了"), "alert 1 停电了");
        assert_eq!(clean("🔌🔌停电😡"), "停电");
        assert_eq!(clean("a < b 停电"), "a b 停电");
    }

    #[test]
    fn leaves_out_who_is_speaking() {
        assert_eq!(clean("你好我是庄里某某光伏发电厂里的厂里没水"), "厂里没水");
        assert_eq!(clean("庄里某某物流公司，路灯不亮"), "路灯不亮");
        assert_eq!(clean("我是想问下公章的事"), "我是想问下公章的事");
        assert_eq!(clean("我们是城里的"), "我们是城里的", "nothing would remain");
    }

    #[test]
    fn traditional_characters_come_in_pairs() {
        assert_eq!(TRADITIONAL.chars().count() % 2, 0);
        assert_eq!(solid("營業執照 辦理"), "营业执照办理");
    }

    #[test]
    fn reads_the_beginning_of_endless_texts() {
        assert_eq!(clean(&"电".repeat(10_000)).chars().count(), LONGEST);
    }
}
