//! The caller's language, known to everything that runs on behalf of one request.

use std::future::Future;

tokio::task_local! {
    static LANG: Lang;
}

/// Chinese unless the caller asks for English.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Lang {
    #[default]
    Zh,
    En,
}

impl Lang {
    /// The first of our languages in an `Accept-Language` header, ordered by its weights.
    #[must_use]
    pub fn accept(header: Option<&str>) -> Self {
        let mut best = (0.0_f32, Self::Zh);
        for part in header.unwrap_or_default().split(',') {
            let mut pieces = part.trim().split(';');
            let tag = pieces.next().unwrap_or_default().trim().to_ascii_lowercase();
            let weight = pieces
                .find_map(|piece| piece.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()))
                .unwrap_or(1.0);
            let lang = match tag.get(..2) {
                Some("zh") => Self::Zh,
                Some("en") => Self::En,
                _ => continue,
            };
            if weight > best.0 {
                best = (weight, lang);
            }
        }
        best.1
    }

    /// The language of the request being served; Chinese outside of one.
    #[must_use]
    pub fn current() -> Self {
        LANG.try_with(|lang| *lang).unwrap_or_default()
    }

    /// Runs `work` with this language.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        LANG.scope(self, work).await
    }

    /// The value of `Content-Language`.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Zh => "zh-CN",
            Self::En => "en",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heaviest_known_language_wins_and_chinese_is_the_default() {
        assert_eq!(Lang::accept(None), Lang::Zh);
        assert_eq!(Lang::accept(Some("fr, de;q=0.9")), Lang::Zh);
        assert_eq!(Lang::accept(Some("en-GB,en;q=0.8,zh;q=0.5")), Lang::En);
        assert_eq!(Lang::accept(Some("en;q=0.3, zh-CN;q=0.9")), Lang::Zh);
    }
}
