//! The nearest right name for a wrong one.

/// The most names that a help text lists.
const LISTED: usize = 16;

/// A help text for a `name` that is not among the `candidates`: it suggests the nearest candidate,
/// or lists them all if none is near. `what` is the plural noun for the candidates.
///
/// ```
/// use waterway::setting::nearest;
///
/// let queues = ["images", "mail"];
/// assert_eq!(nearest("image", "queues", queues).unwrap(), "did you mean \"images\"?");
/// assert_eq!(nearest("x", "queues", queues).unwrap(), "the queues are: images, mail");
/// assert_eq!(nearest("x", "queues", []), None);
/// ```
#[must_use]
pub fn nearest<'a>(
    name: &str,
    what: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    if let Some(candidate) = nearest_of(name, &candidates) {
        return Some(format!("did you mean \"{candidate}\"?"));
    }
    let listed = candidates.get(..LISTED).unwrap_or(&candidates).join(", ");
    match candidates.len() {
        0 => None,
        1..=LISTED => Some(format!("the {what} are: {listed}")),
        _ => Some(format!("the {what} are: {listed}, …")),
    }
}

/// The candidate that was probably meant: at most a third of its letters differ, or it begins or
/// ends with the name.
pub(crate) fn nearest_of<'a>(name: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let name = name.to_lowercase();
    candidates
        .iter()
        .map(|&candidate| (distance(&name, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| {
            let letters = candidate.chars().count().max(name.chars().count());
            *distance <= (letters / 3).max(1) && *distance < letters
                || is_part(&name, &candidate.to_lowercase())
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn distance(name: &str, candidate: &str) -> usize {
    strsim::damerau_levenshtein(name, candidate)
}

fn is_part(name: &str, candidate: &str) -> bool {
    name.len() >= 3 && (candidate.starts_with(name) || candidate.ends_with(name))
}

#[cfg(test)]
mod tests {
    use super::nearest_of;

    #[test]
    fn a_misspelt_name_finds_its_candidate_and_an_unrelated_one_does_not() {
        let names = ["consumer", "workers", "order", "max_tasks", "max_bytes", "deadline"];
        for (wrong, right) in [
            ("wrokers", Some("workers")),
            ("Workers", Some("workers")),
            ("worker", Some("workers")),
            ("max_task", Some("max_tasks")),
            ("dead", Some("deadline")),
            ("colour", None),
            ("", None),
            ("x", None),
        ] {
            assert_eq!(nearest_of(wrong, &names), right, "{wrong}");
        }
    }
}
