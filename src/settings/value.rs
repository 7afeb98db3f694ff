//! What may stand at a key: each kind checks a value and turns it into its
//! plain form, with an error that says what is allowed.

use std::{collections::BTreeMap, net::SocketAddr};

use audit::{
    credential::{Grant, Grants},
    journal_id::JournalName,
    tenant::Tenant,
};

use super::{
    aws::Prefix,
    yaml::{Content, Node},
};

#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Boolean,
    Text,
    Number {
        min: u64,
        max: u64,
    },
    OneOf(&'static [&'static str]),
    /// `host:port`, the host a literal address.
    Address,
    /// `http://` or `https://`.
    Url,
    S3,
    Tenant,
    Journal,
    /// Twelve digits.
    Account,
    /// Buckets, each with the account that must own it or without: a list of
    /// `bucket` and `bucket=account`; in the environment separated by commas.
    Buckets,
    /// Tenants by name; in the environment `name=tenant`, separated by commas.
    Tenants,
    /// Texts by name, written in the same way.
    Pairs,
    /// Several of `name:tenant:sha256`; in the environment separated by commas.
    Grants,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    Boolean(bool),
    Text(String),
    Number(u64),
    Address(SocketAddr),
    Tenant(Tenant),
    Journal(JournalName),
    S3(Prefix),
    Buckets(BTreeMap<String, Option<String>>),
    Tenants(BTreeMap<String, Tenant>),
    Pairs(BTreeMap<String, String>),
    Grants(Grants),
}

impl Kind {
    /// A value from the environment or the table of defaults.
    pub fn parse(self, text: &str) -> Result<Value, String> {
        let items = text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty());
        match self {
            Kind::Buckets => buckets(items),
            Kind::Tenants => tenants(items.map(|item| item.split_once('=').unwrap_or((item, "")))),
            Kind::Pairs => pairs(items.map(|item| item.split_once('=').unwrap_or((item, "")))),
            Kind::Grants => grants(items),
            _ => self.scalar(text),
        }
    }

    /// A value from the file; `None` where it is left empty.
    pub(super) fn read(self, node: &Node) -> Result<Option<Value>, String> {
        match (self, &node.content) {
            (_, Content::Empty) => Ok(None),
            (Kind::Buckets, Content::List(items)) => {
                buckets(texts(items)?.iter().map(String::as_str)).map(Some)
            }
            (Kind::Grants, Content::List(items)) => {
                grants(texts(items)?.iter().map(String::as_str)).map(Some)
            }
            (Kind::Tenants | Kind::Pairs, Content::Map(entries)) => {
                let given: Vec<_> = entries
                    .iter()
                    .map(|entry| text_of(&entry.value).map(|text| (entry.key.as_str(), text)))
                    .collect::<Result<_, _>>()?;
                let given = given.iter().map(|(name, text)| (*name, text.as_str()));
                match self {
                    Kind::Tenants => tenants(given).map(Some),
                    _ => pairs(given).map(Some),
                }
            }
            (Kind::Buckets | Kind::Grants, _) => {
                Err("expects a list, such as [one, two]".to_owned())
            }
            (Kind::Tenants, _) => Err("expects pairs, such as {name: tenant}".to_owned()),
            (Kind::Pairs, _) => Err("expects pairs, such as {name: text}".to_owned()),
            (_, Content::Scalar(text)) => self.scalar(text).map(Some),
            (_, Content::List(_) | Content::Map(_)) => {
                Err("expects one value, not a list or a section".to_owned())
            }
        }
    }

    fn scalar(self, text: &str) -> Result<Value, String> {
        match self {
            Kind::Boolean => match text {
                "true" => Ok(Value::Boolean(true)),
                "false" => Ok(Value::Boolean(false)),
                other => Err(format!("expects true or false, not {}", shown(other))),
            },
            Kind::Number { min, max } => match text.parse() {
                Ok(number) if (min..=max).contains(&number) => Ok(Value::Number(number)),
                _ => Err(format!(
                    "expects a whole number from {min} to {max}, not {}",
                    shown(text)
                )),
            },
            Kind::OneOf(allowed) if !allowed.contains(&text) => Err(format!(
                "expects one of {}, not {}",
                allowed.join(", "),
                shown(text)
            )),
            Kind::Address => text.parse().map(Value::Address).map_err(|_| {
                format!(
                    "expects address:port, such as 127.0.0.1:8080 or [::1]:8080, not {}",
                    shown(text)
                )
            }),
            Kind::Url if !is_url(text) => Err(format!(
                "expects a URL that begins with https:// or http://, not {}",
                shown(text)
            )),
            Kind::S3 => Prefix::parse(text).map(Value::S3).ok_or_else(|| {
                format!(
                    "expects s3://bucket or s3://bucket/prefix, the bucket of 3 to 63 characters of \
                     a-z, 0-9, - and ., not {}",
                    shown(text)
                )
            }),
            Kind::Account if !is_account(text) => Err(format!(
                "expects an AWS account of twelve digits, in quotes, not {}",
                shown(text)
            )),
            Kind::Tenant => Tenant::parse(text)
                .map(Value::Tenant)
                .map_err(|error| error.to_string()),
            Kind::Journal => JournalName::parse(text).map(Value::Journal).map_err(|_| {
                format!(
                    "expects 1 to 63 of A-Z a-z 0-9 . _ -, the first a letter or digit, not {}",
                    shown(text)
                )
            }),
            Kind::Text | Kind::OneOf(_) | Kind::Url if text.trim().is_empty() => {
                Err("is empty, give a value or remove the key".to_owned())
            }
            Kind::Text
            | Kind::OneOf(_)
            | Kind::Url
            | Kind::Account
            | Kind::Buckets
            | Kind::Tenants
            | Kind::Pairs
            | Kind::Grants => Ok(Value::Text(text.to_owned())),
        }
    }
}

fn buckets<'t>(items: impl Iterator<Item = &'t str>) -> Result<Value, String> {
    let mut map = BTreeMap::new();
    for item in items {
        let (bucket, owner) = match item.split_once('=') {
            Some((bucket, owner)) => (bucket.trim(), Some(owner.trim())),
            None => (item.trim(), None),
        };
        let known = Prefix::parse(&format!("s3://{bucket}")).is_some_and(|it| it.bucket == bucket);
        if !known || owner.is_some_and(|owner| !is_account(owner)) {
            return Err(format!(
                "expects names of buckets, such as my-logs or my-logs=111122223333 with the \
                 account that owns it, not {}",
                shown(item)
            ));
        }
        if map
            .insert(bucket.to_owned(), owner.map(str::to_owned))
            .is_some()
        {
            return Err(format!("names {} twice, keep one", shown(bucket)));
        }
    }
    Ok(Value::Buckets(map))
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_url(text: &str) -> bool {
    ["https://", "http://"]
        .iter()
        .filter_map(|scheme| text.strip_prefix(scheme))
        .any(|rest| {
            !rest.is_empty() && !rest.starts_with('/') && !rest.contains(char::is_whitespace)
        })
}

fn tenants<'t>(pairs: impl Iterator<Item = (&'t str, &'t str)>) -> Result<Value, String> {
    let mut map = BTreeMap::new();
    for (name, id) in pairs {
        let tenant =
            Tenant::parse(id.trim()).map_err(|error| format!("{}: {error}", shown(name)))?;
        if map.insert(name.trim().to_owned(), tenant).is_some() {
            return Err(format!("names {} twice, keep one", shown(name)));
        }
    }
    Ok(Value::Tenants(map))
}

fn pairs<'t>(given: impl Iterator<Item = (&'t str, &'t str)>) -> Result<Value, String> {
    let mut map = BTreeMap::new();
    for (name, text) in given.map(|(name, text)| (name.trim(), text.trim())) {
        if name.is_empty() || text.is_empty() {
            return Err(format!("{}: expects a name and a text", shown(name)));
        }
        if map.insert(name.to_owned(), text.to_owned()).is_some() {
            return Err(format!("names {} twice, keep one", shown(name)));
        }
    }
    Ok(Value::Pairs(map))
}

fn grants<'t>(items: impl Iterator<Item = &'t str>) -> Result<Value, String> {
    let grants: Result<Vec<Grant>, _> = items.map(Grant::parse).collect();
    grants
        .and_then(Grants::new)
        .map(Value::Grants)
        .map_err(|error| error.to_string())
}

fn texts(items: &[Node]) -> Result<Vec<String>, String> {
    items.iter().map(text_of).collect()
}

fn text_of(node: &Node) -> Result<String, String> {
    match &node.content {
        Content::Scalar(text) => Ok(text.clone()),
        _ => Err(format!(
            "expects a text in line {}, not a list, a section or nothing",
            node.line
        )),
    }
}

/// A value in an error: quoted, and cut so that a line stays a line.
fn shown(text: &str) -> String {
    format!("{:?}", text.chars().take(64).collect::<String>())
}

/// A plain value out of the checked one; the table fixes which it is.
macro_rules! plain {
    ($($kind:ident => $plain:ty),*) => {$(
        impl TryFrom<Value> for $plain {
            type Error = Value;

            fn try_from(value: Value) -> Result<$plain, Value> {
                match value {
                    Value::$kind(plain) => Ok(plain),
                    other => Err(other),
                }
            }
        }
    )*};
}

plain!(
    Boolean => bool, Text => String, Number => u64, Address => SocketAddr, Tenant => Tenant,
    Journal => JournalName, S3 => Prefix, Buckets => BTreeMap<String, Option<String>>,
    Tenants => BTreeMap<String, Tenant>, Pairs => BTreeMap<String, String>, Grants => Grants
);

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, text: &str, expected: Result<Value, &str>) {
        match (kind.parse(text), expected) {
            (Ok(value), Ok(expected)) => assert_eq!(value, expected, "{text:?}"),
            (Err(error), Err(part)) => assert!(error.contains(part), "{text:?} gave {error:?}"),
            (got, expected) => panic!("{text:?} gave {got:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn each_kind_says_what_it_expects() {
        let number = Kind::Number { min: 1, max: 9 };
        let text = |text: &str| Ok(Value::Text(text.to_owned()));
        check(Kind::Boolean, "yes", Err("true or false"));
        check(number, "9", Ok(Value::Number(9)));
        check(number, "10", Err("from 1 to 9"));
        check(number, "-1", Err("from 1 to 9"));
        check(Kind::OneOf(&["a", "b"]), "c", Err("one of a, b"));
        check(Kind::Address, "localhost", Err("address:port"));
        check(Kind::Url, "ftp://example.com", Err("https://"));
        check(Kind::Url, "https://", Err("https://"));
        check(
            Kind::Url,
            "https://sqs.example.com/1/q",
            text("https://sqs.example.com/1/q"),
        );
        let place = |bucket: &str, prefix: &str| {
            let (bucket, prefix) = (bucket.to_owned(), prefix.to_owned());
            Ok(Value::S3(Prefix { bucket, prefix }))
        };
        check(
            Kind::S3,
            "s3://lake-bucket/data/",
            place("lake-bucket", "data"),
        );
        check(Kind::S3, "s3://lake-bucket", place("lake-bucket", ""));
        check(Kind::S3, "lake-bucket/data", Err("s3://bucket"));
        check(Kind::S3, "s3://", Err("s3://bucket"));
        check(Kind::Text, " ", Err("is empty"));
        check(Kind::Tenant, "../x", Err("invalid tenant id"));
        check(Kind::Journal, "", Err("1 to 63"));
        check(Kind::Account, "1111222233334", Err("twelve digits"));
        check(
            Kind::Buckets,
            "my-logs, theirs=111122223333",
            Ok(Value::Buckets(BTreeMap::from([
                ("my-logs".to_owned(), None),
                ("theirs".to_owned(), Some("111122223333".to_owned())),
            ]))),
        );
        check(Kind::Buckets, "my-logs/x", Err("names of buckets"));
        check(Kind::Buckets, "my-logs=me", Err("names of buckets"));
        check(Kind::Buckets, "my-logs,my-logs", Err("twice"));
        check(Kind::Tenants, "a=x,a=y", Err("twice"));
        check(Kind::Tenants, "a", Err("invalid tenant id"));
        check(Kind::Pairs, "a", Err("a name and a text"));
        check(Kind::Pairs, "a=x,a=y", Err("twice"));
        check(Kind::Grants, "a:b", Err("idtrail token new"));
    }
}
