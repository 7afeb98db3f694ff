//! The City database of the company's world, in the schema of GeoIP2 City.

use crate::{
    atlas::{Atlas, Network},
    mmdb::{Value, Writer},
};

const KIND: &str = "Idtrail-Demo-City";
const DESCRIPTION: &str = "Invented places of documentation addresses, for idtrail's demo";
/// 2024-01-01T00:00:00Z: the same bytes whenever it is made.
const EPOCH: u64 = 1_704_067_200;

pub(crate) fn database(atlas: &Atlas) -> Vec<u8> {
    let mut writer = Writer::new();
    for network in &atlas.networks {
        writer.insert(network.address, network.bits, &record(atlas, network));
    }
    writer.finish(KIND, DESCRIPTION, EPOCH)
}

fn record<'a>(atlas: &'a Atlas, network: &Network) -> Value<'a> {
    let text = |name: &str| {
        let column = atlas.column(name).unwrap_or_default();
        atlas.place_text(network.place, column)
    };
    let number = |name: &str| Value::Double(text(name).parse().unwrap_or_default());
    let named = |name: &str| ("names", Value::Map(vec![("en", Value::Text(text(name)))]));
    Value::Map(vec![
        ("city", Value::Map(vec![named("city")])),
        (
            "country",
            Value::Map(vec![
                ("iso_code", Value::Text(text("code"))),
                named("country"),
            ]),
        ),
        (
            "location",
            Value::Map(vec![
                ("latitude", number("latitude")),
                ("longitude", number("longitude")),
            ]),
        ),
        (
            "postal",
            Value::Map(vec![("code", Value::Text(text("postal")))]),
        ),
        (
            "subdivisions",
            Value::List(vec![Value::Map(vec![named("state")])]),
        ),
    ])
}
