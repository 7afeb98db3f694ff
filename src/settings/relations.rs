//! What must hold between keys: each is fine alone, together they make no sense.

use super::{Issue, Value, raw::Placed};

/// A key that means nothing without another.
const NEEDS: [(&str, &str); 4] = [
    ("tls.cert", "tls.key"),
    ("tls.key", "tls.cert"),
    ("tls.client_ca", "tls.cert"),
    ("tls.clients", "tls.client_ca"),
];

pub(super) fn issues(given: &Placed) -> Vec<Issue> {
    let lonely = NEEDS.iter().filter_map(|(key, needed)| {
        let (place, _) = given.get(key).filter(|_| !given.contains_key(needed))?;
        Some(Issue {
            place: place.clone(),
            key: (*key).to_owned(),
            what: format!("has no meaning without {needed}, set both or neither"),
        })
    });
    lonely.chain(unknown_client(given)).collect()
}

/// A client certificate that stands for a token that there is not.
fn unknown_client(given: &Placed) -> Option<Issue> {
    let (place, Value::Pairs(clients)) = given.get("tls.clients")? else {
        return None;
    };
    let is_known = |name: &String| match given.get("http.ingest_tokens") {
        Some((_, Value::Grants(grants))) => grants.named(name).is_some(),
        _ => false,
    };
    let unknown = clients.values().find(|name| !is_known(name))?;
    Some(Issue {
        place: place.clone(),
        key: "tls.clients".to_owned(),
        what: format!(
            "{:?} is no name in http.ingest_tokens: make a token of that name with `idtrail token \
             new`, it gives the certificate its tenant",
            unknown.chars().take(64).collect::<String>()
        ),
    })
}
