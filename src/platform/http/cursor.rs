//! Lists page by key, not by offset: the cost of a page does not depend on its depth, and rows that come or go shift nothing.
//!
//! A cursor is opaque to clients: base64url of `{"v":1,"l":"<list>","k":<key of the last row>}`. It is not signed, because a
//! forged one shows nothing that the list itself would not; it is read strictly, because it comes from outside.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::problem::{CommonCode, Problem};

const VERSION: u8 = 1;
const DEFAULT_LIMIT: u16 = 20;
const MAX_LIMIT: u16 = 100;
/// A cursor is never longer; what is longer is not ours.
const MAX_LENGTH: usize = 1024;

/// Where a page begins and how long it may be.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// `nextCursor` of the page before.
    pub cursor: Option<String>,
    /// Rows per page, 20 when not given, never more than 100.
    pub limit: Option<u16>,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Where the next page begins; missing on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Token<'a, K> {
    v: u8,
    #[serde(borrow)]
    l: std::borrow::Cow<'a, str>,
    k: K,
}

impl Paging {
    /// Rows per page: 1 to 100.
    #[must_use]
    pub fn limit(&self) -> u16 {
        self.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT)
    }

    /// How many rows to ask the database for: one more than the page, to know whether there is a next one.
    #[must_use]
    pub fn fetch(&self) -> i64 {
        i64::from(self.limit()) + 1
    }

    /// The key after which the page begins; `None` on the first page. `list` names the list and its order.
    ///
    /// # Errors
    /// 400 `bad_cursor` when it is not a cursor of this list.
    pub fn after<K: DeserializeOwned>(&self, list: &str) -> Result<Option<K>, Problem> {
        let Some(cursor) = self.cursor.as_deref().filter(|cursor| !cursor.is_empty()) else {
            return Ok(None);
        };
        read(cursor, list).map(Some).ok_or_else(|| CommonCode::BadCursor.into())
    }

    /// Makes the page of `rows` that were fetched with [`Paging::fetch`]. `key` gives what [`Paging::after`] reads.
    pub fn page<R, K: Serialize, T>(
        &self,
        list: &str,
        rows: Vec<R>,
        key: impl FnOnce(&R) -> K,
        item: impl FnMut(R) -> T,
    ) -> Page<T> {
        cut(list, self.limit(), rows, key, item)
    }
}

/// Makes a page of at most `limit` of `rows`, of which there is one more when the list goes on. For lists with a limit of their own.
pub fn cut<R, K: Serialize, T>(
    list: &str,
    limit: u16,
    mut rows: Vec<R>,
    key: impl FnOnce(&R) -> K,
    item: impl FnMut(R) -> T,
) -> Page<T> {
    let limit = usize::from(limit);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let last = if more { rows.last() } else { None };
    let next_cursor = last.and_then(|row| write(list, key(row)));
    Page { items: rows.into_iter().map(item).collect(), next_cursor }
}

fn write<K: Serialize>(list: &str, key: K) -> Option<String> {
    let token = serde_json::to_vec(&Token { v: VERSION, l: list.into(), k: key }).ok()?;
    Some(URL_SAFE_NO_PAD.encode(token))
}

fn read<K: DeserializeOwned>(cursor: &str, list: &str) -> Option<K> {
    if cursor.len() > MAX_LENGTH {
        return None;
    }
    let token = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let token: Token<'_, K> = serde_json::from_slice(&token).ok()?;
    (token.v == VERSION && token.l == list).then_some(token.k)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn paging(cursor: Option<String>, limit: Option<u16>) -> Paging {
        Paging { cursor, limit }
    }

    #[test]
    fn pages_follow_one_another_to_the_end_without_a_gap() {
        let all: Vec<u32> = (0..45).collect();
        let (mut cursor, mut seen, mut pages) = (None, Vec::new(), 0);
        loop {
            let at = paging(cursor, None);
            let after: Option<u32> = at.after("numbers").unwrap();
            let rows: Vec<u32> = all
                .iter()
                .copied()
                .filter(|n| after.is_none_or(|after| *n > after))
                .take(usize::try_from(at.fetch()).unwrap())
                .collect();
            let page = at.page("numbers", rows, |n| *n, |n| n);
            seen.extend(page.items);
            pages += 1;
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!((seen, pages), (all, 3));
    }

    #[test]
    fn the_limit_is_capped() {
        assert_eq!(paging(None, None).limit(), 20);
        assert_eq!(paging(None, Some(0)).limit(), 1);
        assert_eq!(paging(None, Some(5000)).limit(), 100);
    }

    #[test]
    fn what_is_not_a_cursor_of_this_list_is_refused() {
        let other = write("departments", 5_u32).unwrap();
        let older = URL_SAFE_NO_PAD.encode(br#"{"v":0,"l":"calls","k":5}"#);
        let more = URL_SAFE_NO_PAD.encode(br#"{"v":1,"l":"calls","k":5,"x":1}"#);
        for bad in [other, older, more, "?".into(), "AAAA".into(), "A".repeat(5000)] {
            let refused = paging(Some(bad.clone()), None).after::<u32>("calls").unwrap_err();
            assert_eq!(refused.code(), "bad_cursor", "{bad}");
        }
        assert_eq!(paging(Some(String::new()), None).after::<u32>("calls").unwrap(), None);
    }

    proptest! {
        #[test]
        fn a_cursor_gives_back_its_key(number: i64, text: String, id: u128) {
            let key = (number, text, Uuid::from_u128(id));
            let cursor = write("calls", &key).unwrap();
            prop_assert_eq!(read::<(i64, String, Uuid)>(&cursor, "calls"), Some(key));
        }

        #[test]
        fn no_text_breaks_the_reader(text: String) {
            let _ = paging(Some(text), None).after::<(i64, Uuid)>("calls");
        }
    }
}
