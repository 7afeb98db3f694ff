//! Puts what GeoIP knows into a parcel's rows.
//!
//! City, country, region and coordinates are replaced together, row by row;
//! rows whose address is unknown keep what their source said.

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, AsArray, Float64Array, Float64Builder, RecordBatch, StringArray,
        StringBuilder,
    },
    datatypes::Float64Type,
};

use crate::{
    columns::{Rows, TEXT_BYTES},
    geo::{Lookup, PlaceRef},
    schema::{self, Column},
};

impl Rows {
    /// The same rows with the places that are known for their addresses. Where
    /// anything is known, all five columns are of the database; a city of the
    /// source beside its coordinates would be a place that does not exist.
    #[must_use]
    pub fn with_places(mut self, places: &mut impl Lookup) -> Rows {
        let Some(addresses) = self
            .column(Column::Ip)
            .map(|ip| ip.as_string::<i32>().clone())
        else {
            return self;
        };
        let own = OwnPlaces::of(&self);
        let mut built = PlaceBuilders::with_capacity(self.len());
        let mut found = false;
        for (row, address) in addresses.iter().enumerate() {
            let known = address.and_then(|ip| places.lookup(ip));
            match known.filter(|place| *place != PlaceRef::default()) {
                Some(place) => {
                    found = true;
                    built.append(place);
                }
                None => built.append(own.at(row)),
            }
        }
        if found {
            self.columns = built.replace(&self.columns);
        }
        self
    }
}

const PLACE_TEXTS: [Column; 3] = [Column::City, Column::Country, Column::Region];
const PLACE_DEGREES: [Column; 2] = [Column::Latitude, Column::Longitude];

/// The place columns as the source filled them.
struct OwnPlaces {
    texts: [Option<StringArray>; 3],
    degrees: [Option<Float64Array>; 2],
}

impl OwnPlaces {
    fn of(rows: &Rows) -> OwnPlaces {
        let text = |column| {
            rows.column(column)
                .map(|array| array.as_string::<i32>().clone())
        };
        let degree = |column| {
            rows.column(column)
                .map(|array| array.as_primitive::<Float64Type>().clone())
        };
        OwnPlaces {
            texts: PLACE_TEXTS.map(text),
            degrees: PLACE_DEGREES.map(degree),
        }
    }

    fn at(&self, row: usize) -> PlaceRef<'_> {
        let text = |at: usize| {
            let array = self.texts[at].as_ref()?;
            array.is_valid(row).then(|| array.value(row))
        };
        let degree = |at: usize| {
            let array = self.degrees[at].as_ref()?;
            array.is_valid(row).then(|| array.value(row))
        };
        PlaceRef {
            city: text(0),
            country: text(1),
            region: text(2),
            latitude: degree(0),
            longitude: degree(1),
        }
    }
}

struct PlaceBuilders {
    texts: [StringBuilder; 3],
    degrees: [Float64Builder; 2],
}

impl PlaceBuilders {
    fn with_capacity(rows: usize) -> PlaceBuilders {
        let text = |_| StringBuilder::with_capacity(rows, rows.saturating_mul(TEXT_BYTES));
        PlaceBuilders {
            texts: PLACE_TEXTS.map(text),
            degrees: PLACE_DEGREES.map(|_| Float64Builder::with_capacity(rows)),
        }
    }

    fn append(&mut self, place: PlaceRef<'_>) {
        let texts = [place.city, place.country, place.region];
        for (builder, text) in self.texts.iter_mut().zip(texts) {
            builder.append_option(text);
        }
        for (builder, degrees) in self
            .degrees
            .iter_mut()
            .zip([place.latitude, place.longitude])
        {
            builder.append_option(degrees);
        }
    }

    fn replace(mut self, columns: &RecordBatch) -> RecordBatch {
        let mut arrays = columns.columns().to_vec();
        let texts = self
            .texts
            .iter_mut()
            .map(|b| Arc::new(b.finish()) as ArrayRef);
        let degrees = self
            .degrees
            .iter_mut()
            .map(|b| Arc::new(b.finish()) as ArrayRef);
        let places = PLACE_TEXTS.into_iter().chain(PLACE_DEGREES);
        for (column, array) in places.zip(texts.chain(degrees)) {
            if let Some(index) = column.narrow_index() {
                arrays[index] = array;
            }
        }
        RecordBatch::try_new(schema::narrow(), arrays)
            .expect("columns were replaced by ones of the same type and length")
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::{
        columns::normalize_all, key::Secret, message::Event, source::Source, tenant::Tenant,
    };

    struct Table<F>(F);

    impl<F: FnMut(&str) -> Option<PlaceRef<'static>>> Lookup for Table<F> {
        fn lookup(&mut self, ip: &str) -> Option<PlaceRef<'_>> {
            (self.0)(ip)
        }
    }

    fn texts(rows: &Rows, column: Column) -> Vec<Option<&str>> {
        let array = rows.column(column).expect("a narrow column");
        array.as_string::<i32>().iter().collect()
    }

    #[test]
    fn what_geoip_knows_replaces_the_whole_place() {
        let event = |ip: &str| {
            format!(
                r#"{{"client":{{"ipAddress":"{ip}","geographicalContext":{{"city":"Berlin",
                "country":"Germany","geolocation":{{"lat":52.5,"lon":13.4}}}}}}}}"#
            )
        };
        let events = ["192.0.2.1", "198.51.100.1", "203.0.113.1", ""].map(event);
        let events = events.map(|event| Event::of(event.into()));
        let tenant = Tenant::parse("acme").expect("a valid id");
        let (rows, ..) = normalize_all(Source::Okta, &tenant, &Secret([3; 4]), &events, 0);
        let rows = rows.with_places(&mut Table(|ip: &str| match ip {
            "192.0.2.1" => Some(PlaceRef {
                country: Some("Japan"),
                latitude: Some(35.5),
                ..PlaceRef::default()
            }),
            "198.51.100.1" => Some(PlaceRef::default()),
            _ => None,
        }));

        let own = Some("Germany");
        assert_eq!(
            texts(&rows, Column::Country),
            [Some("Japan"), own, own, own]
        );
        let own = Some("Berlin");
        assert_eq!(texts(&rows, Column::City), [None, own, own, own]);
        let degrees = |column| {
            let array = rows.column(column).expect("a narrow column");
            array
                .as_primitive::<Float64Type>()
                .iter()
                .collect::<Vec<_>>()
        };
        let own = Some(52.5);
        assert_eq!(degrees(Column::Latitude), [Some(35.5), own, own, own]);
        let own = Some(13.4);
        assert_eq!(degrees(Column::Longitude), [None, own, own, own]);
        assert_eq!(rows.columns.schema(), schema::narrow());
    }
}
