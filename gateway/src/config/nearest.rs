//! What a mistyped word was probably meant to be.

/// The word of `known` that is nearest to `given`, when it is near enough to be meant.
pub(crate) fn nearest<'a>(
    given: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let given = given.to_lowercase();
    let far = (given.chars().count() / 3).clamp(1, 4);
    known
        .into_iter()
        .map(|word| {
            (
                strsim::damerau_levenshtein(&given, &word.to_lowercase()),
                word,
            )
        })
        .filter(|(distance, word)| *distance <= far || starts(word, &given))
        .min()
        .map(|(_, word)| word)
}

/// A word that was only begun, or written too long: `rate` for `rate_limit`, `pathname` for `path`.
fn starts(word: &str, given: &str) -> bool {
    let shorter = word.len().min(given.len());
    shorter >= 4 && (word.starts_with(given) || given.starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_word_is_found_and_a_far_one_is_not() {
        let known = ["upstream", "timeout", "rate_limit", "path"];
        assert_eq!(nearest("upsteam", known), Some("upstream"));
        assert_eq!(nearest("time-out", known), Some("timeout"));
        assert_eq!(nearest("rate", known), Some("rate_limit"));
        assert_eq!(nearest("Path", known), Some("path"));
        assert_eq!(nearest("colour", known), None);
    }
}
