//! The address of a store: options in it that are ours to read, and whether it leaves the machine.

use std::net::IpAddr;

/// Takes `names` out of the options of an address (`…?a=1&b=2`, or libpq's `a=1 b=2`); returns the rest, and the values in the order
/// of `names`.
#[must_use]
pub fn take_options<const N: usize>(address: &str, names: [&str; N]) -> (String, [Option<String>; N]) {
    let mut found = [const { None }; N];
    let mut take = |option: &str| {
        let Some((name, value)) = option.split_once('=') else { return false };
        let place = names.iter().position(|wanted| *wanted == name);
        let slot = place.and_then(|place| found.get_mut(place));
        slot.map(|slot| *slot = Some(decode(value))).is_some()
    };
    let rest = if address.contains("://") {
        // What stands before is a password's business: there a question mark is written %3F.
        match address.split_once('?') {
            None => address.to_owned(),
            Some((before, options)) => {
                let kept: Vec<&str> = options.split('&').filter(|option| !take(option)).collect();
                if kept.is_empty() { before.to_owned() } else { format!("{before}?{}", kept.join("&")) }
            }
        }
    } else {
        let kept = address.split_inclusive(char::is_whitespace).filter(|option| !take(option.trim_end()));
        kept.collect()
    };
    (rest, found)
}

fn decode(value: &str) -> String {
    // A plus is a plus here, not a space as in forms.
    let form = format!("={}", value.trim_matches('\'').replace('+', "%2B").replace('&', "%26"));
    url::form_urlencoded::parse(form.as_bytes()).map(|(_, value)| value.into_owned()).collect()
}

/// Whether a host is this machine itself, judged by its name alone.
#[must_use]
pub fn is_local(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_taken_out_and_the_rest_stays() {
        let names = ["sslmode", "sslrootcert"];
        let cases = [
            ("postgres://u:p@h/d", "postgres://u:p@h/d", None, None),
            ("postgres://u:p@h/d?sslmode=require", "postgres://u:p@h/d", Some("require"), None),
            (
                "postgres://h/d?a=1&sslmode=verify-ca&b=2&sslrootcert=/etc/my%20ca+1.pem",
                "postgres://h/d?a=1&b=2",
                Some("verify-ca"),
                Some("/etc/my ca+1.pem"),
            ),
            ("host=h sslmode=require user=u", "host=h user=u", Some("require"), None),
            ("host=h sslrootcert='/ca.pem'", "host=h ", None, Some("/ca.pem")),
        ];
        for (address, rest, mode, root) in cases {
            let (left, found) = take_options(address, names);
            assert_eq!(left, rest);
            assert_eq!(found, [mode.map(str::to_owned), root.map(str::to_owned)], "{address}");
        }
    }

    #[test]
    fn this_machine_is_known_by_its_names() {
        for host in ["localhost", "127.0.0.1", "::1", "[::1]", "::ffff:127.0.0.1"] {
            assert!(is_local(host), "{host}");
        }
        for host in ["10.0.0.5", "db", "localhost.example.org", ""] {
            assert!(!is_local(host), "{host}");
        }
    }
}
