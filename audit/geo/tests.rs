//! Threat T27, and that values are those of the database's own listing.

use std::path::{Path, PathBuf};

use super::*;

/// A City database with one record for all of IPv4: the smallest that works.
/// MaxMind DB File Format Specification, version 2.0.
mod tiny {
    pub(super) enum Value<'a> {
        Text(&'a str),
        Double(f64),
        U16(u16),
        U32(u32),
        U64(u64),
        List(Vec<Value<'a>>),
        Map(Vec<(&'a str, Value<'a>)>),
    }

    use Value::{Double, List, Map, Text, U16, U32, U64};

    fn put(out: &mut Vec<u8>, value: &Value<'_>) {
        let size = |n: usize| u8::try_from(n).expect("small");
        match value {
            Text(text) if text.len() < 29 => {
                out.push(2 << 5 | size(text.len()));
                out.extend(text.as_bytes());
            }
            Text(text) => {
                out.extend([2 << 5 | 29, size(text.len() - 29)]);
                out.extend(text.as_bytes());
            }
            Double(number) => {
                out.push(3 << 5 | 8);
                out.extend(number.to_be_bytes());
            }
            U16(number) => {
                out.push(5 << 5 | 2);
                out.extend(number.to_be_bytes());
            }
            U32(number) => {
                out.push(6 << 5 | 4);
                out.extend(number.to_be_bytes());
            }
            U64(number) => {
                out.extend([8, 9 - 7]);
                out.extend(number.to_be_bytes());
            }
            List(values) => {
                out.extend([size(values.len()), 11 - 7]);
                values.iter().for_each(|value| put(out, value));
            }
            Map(members) => {
                out.push(7 << 5 | size(members.len()));
                for (key, value) in members {
                    put(out, &Text(key));
                    put(out, value);
                }
            }
        }
    }

    pub(super) fn database(kind: &str, city: &str) -> Vec<u8> {
        let named = |name| Map(vec![("names", Map(vec![("en", Text(name))]))]);
        let record = Map(vec![
            ("city", named(city)),
            ("country", named("Utopia")),
            (
                "subdivisions",
                List(vec![named("North"), named("Far North")]),
            ),
            (
                "location",
                Map(vec![
                    ("latitude", Double(1.5)),
                    ("longitude", Double(-2.25)),
                ]),
            ),
        ]);
        // One node, both of its 24-bit records point at the data's first byte.
        let mut out = vec![0, 0, 17, 0, 0, 17];
        out.extend([0; 16]);
        put(&mut out, &record);
        out.extend(b"\xab\xcd\xefMaxMind.com");
        let metadata = Map(vec![
            ("binary_format_major_version", U16(2)),
            ("binary_format_minor_version", U16(0)),
            ("build_epoch", U64(1)),
            ("database_type", Text(kind)),
            ("description", Map(vec![])),
            ("ip_version", U16(4)),
            ("languages", List(vec![Text("en")])),
            ("node_count", U32(1)),
            ("record_size", U16(24)),
        ]);
        put(&mut out, &metadata);
        out
    }
}

fn city_of(places: &mut Places, ip: &str) -> Option<String> {
    places.lookup(ip)?.city.map(str::to_owned)
}

#[test]
fn a_place_is_the_most_specific_english_one() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("city.mmdb");
    std::fs::write(&path, tiny::database("Tiny-City", "Amaurot")).expect("writes");
    let (database, warning) = Database::open(Some(path));
    assert_eq!((warning, database.in_use()), (None, Some(true)));
    let mut places = Places::new(database);
    let expected = PlaceRef {
        city: Some("Amaurot"),
        country: Some("Utopia"),
        region: Some("Far North"),
        latitude: Some(1.5),
        longitude: Some(-2.25),
    };
    for ip in ["192.0.2.1", "198.51.100.7", "::ffff:192.0.2.1"] {
        assert_eq!(places.lookup(ip), Some(expected), "{ip}");
        assert_eq!(places.lookup(ip), Some(expected), "{ip} again");
    }
    for ip in [
        "",
        "host.example.com",
        "2001:db8::1",
        "192.0.2.256",
        "192.0.2.1:443",
    ] {
        assert_eq!(places.lookup(ip), None, "{ip}");
    }
}

#[test]
fn without_a_usable_file_places_are_unknown_and_the_warning_says_why() {
    let folder = tempfile::tempdir().expect("folder");
    let check = |content: Option<&[u8]>, expected: &str| {
        let path = folder.path().join("x.mmdb");
        if let Some(content) = content {
            std::fs::write(&path, content).expect("writes");
        }
        let (database, warning) = Database::open(Some(path));
        let warning = warning.map_or(String::new(), |w| w.to_string());
        assert!(warning.contains(expected), "{warning}");
        assert_eq!(Places::new(database).lookup("192.0.2.1"), None);
    };
    check(None, "no GeoIP database at");
    check(Some(b""), "cannot be used");
    check(Some(b"not a database"), "cannot be used");
    check(
        Some(&tiny::database("Tiny-ASN", "x")),
        "is a Tiny-ASN database",
    );
    let (database, warning) = Database::open(None);
    assert_eq!((warning, database.reload_if_changed()), (None, Ok(false)));
    assert_eq!(Places::new(database).lookup("192.0.2.1"), None);
}

#[test]
fn t27_a_file_broken_or_truncated_while_it_is_replaced_keeps_the_old_one() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("city.mmdb");
    let newer = tiny::database("Tiny-City", "Newer");
    std::fs::write(&path, tiny::database("Tiny-City", "Older")).expect("writes");
    let (database, _) = Database::open(Some(path.clone()));
    let mut places = Places::new(Arc::clone(&database));
    let mut check = |content: Option<&[u8]>, expected: &str| {
        match content {
            Some(content) => std::fs::write(&path, content).expect("writes"),
            None => std::fs::remove_file(&path).expect("removes"),
        }
        let changed = database.reload_if_changed();
        assert_eq!(database.reload_if_changed(), Ok(false), "tried once");
        assert_eq!(city_of(&mut places, "192.0.2.1").as_deref(), Some(expected));
        changed
    };
    for cut in [0, 5, 22, 60, newer.len() - 120, newer.len() - 1] {
        assert!(check(Some(&newer[..cut]), "Older").is_err(), "{cut}");
    }
    assert!(check(None, "Older").is_err());
    assert!(check(Some(&tiny::database("Tiny-Country", "x")), "Older").is_err());
    assert_eq!(check(Some(&newer), "Newer"), Ok(true));
}

#[test]
fn t27_any_damaged_byte_is_survived() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("city.mmdb");
    let good = tiny::database("Tiny-City", "Amaurot");
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 0xff;
        std::fs::write(&path, bytes).expect("writes");
        let (database, _) = Database::open(Some(path.clone()));
        // Any outcome will do.
        Places::new(database).lookup("192.0.2.1");
    }
}

#[test]
fn memory_for_addresses_is_bounded() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("city.mmdb");
    std::fs::write(&path, tiny::database("Tiny-City", "Amaurot")).expect("writes");
    let mut places = Places::new(Database::open(Some(path)).0);
    for i in 0..REMEMBERED_MAX + 10 {
        let ip = IpAddr::from(core::net::Ipv4Addr::from_bits(
            u32::try_from(i).expect("small"),
        ));
        assert!(places.lookup(&ip.to_string()).is_some());
        assert!(places.remembered.len() <= REMEMBERED_MAX);
    }
}

fn samples() -> Option<PathBuf> {
    crate::samples::folder().map(|folder| folder.join("geoip"))
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            files_below(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "mmdb") {
            found.push(path);
        }
    }
}

#[test]
fn values_are_those_of_the_databases_own_listing() {
    let Some(folder) = samples() else { return };
    for name in ["GeoIP2-City-Test", "GeoLite2-City-Test"] {
        let (database, warning) = Database::open(Some(folder.join(name).with_extension("mmdb")));
        assert_eq!(warning, None);
        let mut places = Places::new(database);
        let listing = std::fs::read(folder.join(name).with_extension("json")).expect("listing");
        let listing: Vec<serde_json::Map<String, serde_json::Value>> =
            serde_json::from_slice(&listing).expect("JSON");
        let mut compared = 0;
        for (network, record) in listing.iter().flatten() {
            let ip = network.split('/').next().expect("address");
            let text = |pointer: &str| record.pointer(pointer).and_then(|v| v.as_str());
            let number = |pointer: &str| record.pointer(pointer).and_then(|v| v.as_f64());
            let last = record
                .get("subdivisions")
                .and_then(|s| s.as_array()?.last());
            let expected = PlaceRef {
                city: text("/city/names/en"),
                country: text("/country/names/en"),
                region: last.and_then(|s| s.pointer("/names/en")?.as_str()),
                latitude: number("/location/latitude"),
                longitude: number("/location/longitude"),
            };
            let ip = ip
                .strip_prefix("::")
                .filter(|v4| v4.contains('.'))
                .unwrap_or(ip);
            assert_eq!(places.lookup(ip).unwrap_or_default(), expected, "{network}");
            compared += 1;
        }
        assert!(compared > 200, "{compared}");
    }
}

#[test]
fn t27_every_broken_or_wrong_sample_is_survived() {
    let Some(folder) = samples() else { return };
    let mut files = Vec::new();
    files_below(&folder, &mut files);
    assert!(files.len() > 8, "{files:?}");
    for path in files {
        let name = path
            .file_name()
            .expect("name")
            .to_string_lossy()
            .into_owned();
        let (database, warning) = Database::open(Some(path));
        let mut places = Places::new(database);
        for ip in [
            "0.0.0.0",
            "81.2.69.142",
            "2.125.160.216",
            "2001:218::1",
            "::1",
        ] {
            places.lookup(ip);
        }
        let expected = match name.as_str() {
            "GeoIP2-City-Test.mmdb" | "GeoLite2-City-Test.mmdb" => None,
            "GeoLite2-ASN-Test.mmdb" => Some("is a GeoLite2-ASN database"),
            "GeoIP2-Country-Test.mmdb" => Some("is a GeoIP2-Country database"),
            _ => continue,
        };
        let warning = warning.map(|w| w.to_string());
        assert_eq!(warning.is_some(), expected.is_some(), "{name}: {warning:?}");
        if let (Some(warning), Some(expected)) = (warning, expected) {
            assert!(warning.contains(expected), "{name}: {warning}");
        }
    }
}
