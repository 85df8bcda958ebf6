//! Takes personal data out of what Amazon writes: its messages name the parameter at fault and may quote it.

use std::collections::HashSet;
use std::ops::Range;

use serde_json::Value;

const LONGEST_MESSAGE: usize = 300;
/// A country code or a house number says nothing of a person, and stands in too many words.
const SHORTEST_VALUE: usize = 3;
/// A longer value is recognised by any run of this many characters: a message may quote a part of it.
const RUN: usize = 12;
/// What of a body is not personal, and what people need to see in a message.
const PLAIN_FIELDS: [&str; 3] = ["paymentIntent", "chargeAmount", "totalOrderAmount"];
/// What a message may quote and still be shown.
const PROTOCOL_WORDS: [&str; 10] = [
    "paymentIntent",
    "chargeAmount",
    "totalOrderAmount",
    "shippingAddress",
    "billingAddress",
    "supplementaryData",
    "canHandlePendingAuthorization",
    "AuthorizeWithCapture",
    "Authorize",
    "Confirm",
];
const QUOTATION_MARKS: [char; 2] = ['\'', '"'];

/// `message` without any text of `body` and without what it quotes, in one line of at most 300 characters.
pub(crate) fn scrub(message: &str, body: &[u8]) -> String {
    let message: Vec<char> = message.chars().map(plain).collect();
    let folded: Vec<char> = message.iter().copied().map(fold).collect();
    let mut personal = vec![false; message.len()];
    for quoted in quotations(&message) {
        personal[quoted].fill(true);
    }
    for value in personal_values(body) {
        let value: Vec<char> = value.trim().chars().map(plain).map(fold).collect();
        if value.len() < SHORTEST_VALUE {
            continue;
        }
        let run = value.len().min(RUN);
        let runs: HashSet<&[char]> = value.windows(run).collect();
        for (start, window) in folded.windows(run).enumerate() {
            if runs.contains(window) {
                personal[start..start + run].fill(true);
            }
        }
    }
    let mut clean = String::new();
    let mut within = false;
    let mut length = 0;
    for (character, is_personal) in message.into_iter().zip(personal) {
        let shown = match (is_personal, within) {
            (true, true) => None,
            (true, false) => Some('…'),
            (false, _) => Some(character),
        };
        within = is_personal;
        if let Some(shown) = shown {
            if length == LONGEST_MESSAGE {
                break;
            }
            clean.push(shown);
            length += 1;
        }
    }
    clean
}

/// What stands in quotation marks may be what the session holds of the buyer, and no body of ours would tell. Sums of
/// money and words of the protocol are shown.
fn quotations(message: &[char]) -> Vec<Range<usize>> {
    let mut quotations = Vec::new();
    let mut opened: Option<(char, usize)> = None;
    for (at, &character) in message.iter().enumerate() {
        let inside_a_word = |at: usize| message.get(at).is_some_and(|next| next.is_alphanumeric());
        match opened {
            Some((mark, from)) if character == mark && !inside_a_word(at + 1) => {
                let text: String = message[from..at].iter().collect();
                if !is_harmless(&text) {
                    quotations.push(from..at);
                }
                opened = None;
            }
            Some(_) => {}
            // An apostrophe opens nothing.
            None if QUOTATION_MARKS.contains(&character) && (at == 0 || !inside_a_word(at - 1)) => {
                opened = Some((character, at + 1));
            }
            None => {}
        }
    }
    // Cut off before its end.
    quotations.extend(opened.map(|(_, from)| from..message.len()));
    quotations
}

/// A sum such as `23.45 EUR`, or a word of the protocol.
fn is_harmless(quoted: &str) -> bool {
    let sum = quoted.split_once(' ').is_some_and(|(number, currency)| {
        number.chars().all(|c| c.is_ascii_digit() || c == '.')
            && currency.len() == 3
            && currency.chars().all(|c| c.is_ascii_uppercase())
    });
    sum || PROTOCOL_WORDS.contains(&quoted)
}

fn plain(character: char) -> char {
    if character.is_control() { ' ' } else { character }
}

/// Amazon may quote what it has normalised.
fn fold(character: char) -> char {
    character.to_lowercase().next().unwrap_or(character)
}

fn personal_values(body: &[u8]) -> Vec<String> {
    let mut values = Vec::new();
    if let Ok(Value::Object(fields)) = serde_json::from_slice(body) {
        for (name, value) in fields {
            if !PLAIN_FIELDS.contains(&name.as_str()) {
                collect(value, &mut values);
            }
        }
    }
    values
}

fn collect(value: Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text),
        Value::Array(values) => values.into_iter().for_each(|value| collect(value, into)),
        Value::Object(fields) => fields.into_values().for_each(|value| collect(value, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::scrub;

    const BODY: &str = r#"{"paymentIntent":"Authorize","chargeAmount":{"amount":"23.45","currencyCode":"EUR"},
        "supplementaryData":"airline: Robin, seat 12\nmeal: vegetarian, no nuts please",
        "shippingAddress":{"name":"Robin Example","addressLine1":"12 Sample Street","city":"Köln",
        "postalCode":"506","countryCode":"DE"}}"#;

    fn scrubbed(message: &str) -> String {
        scrub(message, BODY.as_bytes())
    }

    #[test]
    fn what_was_sent_of_a_person_is_not_repeated() {
        for (message, clean) in [
            ("name 'Robin Example' is odd", "name '…' is odd"),
            ("name ROBIN EXAMPLE is odd", "name … is odd"),
            ("Köln (506) and 12 Sample Street", "… (…) and …"),
            ("KÖLN", "…"),
            ("data: meal: vegetarian, no nu...", "data:…..."),
            ("seat 12 meal: vegetarian", "…"),
        ] {
            assert_eq!(scrubbed(message), clean);
        }
    }

    #[test]
    fn what_is_quoted_of_the_session_is_not_repeated() {
        for (message, clean) in [
            (
                "shippingAddress.city: 'Hamburg' is not 'Bremen'",
                "shippingAddress.city: '…' is not '…'",
            ),
            ("postalCode: \"10115\" is unknown", "postalCode: \"…\" is unknown"),
            (
                "the buyer's name 'Miles O'Brien' differs",
                "the buyer's name '…' differs",
            ),
            ("supplementaryData: 'leave it at the do", "supplementaryData: '…"),
            ("name: 'McDonald' differs", "name: '…' differs"),
            ("noteToBuyer: '' is empty", "noteToBuyer: '' is empty"),
        ] {
            assert_eq!(scrubbed(message), clean);
        }
    }

    #[test]
    fn what_people_need_to_see_stays() {
        for message in [
            "chargeAmount: '99.99 EUR' differs from the session's '23.45 EUR'",
            "chargeAmount '1000 JPY' differs",
            "'chargeAmount' is missing",
            "paymentIntent: 'AuthorizeWithCapture' differs",
            "chargeAmount 23.45 EUR differs from the session's",
            "paymentIntent Authorize differs",
            "shippingAddress.countryCode DE is not served",
        ] {
            assert_eq!(scrubbed(message), message);
        }
    }

    #[test]
    fn a_message_is_one_line_of_at_most_300_characters() {
        assert_eq!(scrubbed("a\nb\u{1b}[31mc"), "a b [31mc");
        assert_eq!(scrubbed(&"é".repeat(1000)), "é".repeat(300));
        let cut_within = format!("{}12 Sample Street", "x".repeat(298));
        assert_eq!(scrubbed(&cut_within), format!("{}…", "x".repeat(298)));
    }

    #[test]
    fn a_body_that_is_no_json_object_hides_nothing_and_breaks_nothing() {
        for body in [&b""[..], b"{}", b"[\"odd\"]", b"\xff"] {
            assert_eq!(scrub("an odd message", body), "an odd message");
        }
    }
}
