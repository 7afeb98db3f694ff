//! A parcel's rows as Arrow columns.
//!
//! The hot path: events become rows that borrow from them, and rows are written
//! into column builders at once. `event_data` is no column yet: the raw events
//! stay beside the batch as slices of the buffer they came in, to be compressed
//! together later. All parts of [`Rows`] have the same length and order.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float64Builder, RecordBatch, StringBuilder, TimestampMillisecondBuilder,
};
use bytestring::ByteString;

use crate::{
    key::{Key, Secret},
    message::Event,
    normalize::{Normalised, Reject, normalize},
    partition::{Day, Partition},
    row::Row,
    schema::{self, Column, TEXT_COLUMNS},
    source::Source,
    tenant::Tenant,
};

/// Bytes set aside for a text of a row; the mean over real events is below it
/// for nearly every column.
pub(crate) const TEXT_BYTES: usize = 24;

/// Longest text of a column; what is longer is cut there. It stands whole in
/// `event_data`, and a hostile event must not weigh many times its size.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// Builds one narrow batch, row by row.
#[derive(Debug)]
pub struct Columns {
    /// In the table's order.
    texts: [StringBuilder; TEXT_COLUMNS],
    latitude: Float64Builder,
    longitude: Float64Builder,
    event_time: TimestampMillisecondBuilder,
}

/// The rows of a parcel.
#[derive(Clone, Debug)]
pub struct Rows {
    /// All columns but `event_data`: [`schema::narrow`].
    pub columns: RecordBatch,
    /// `event_data`, byte for byte.
    pub raw: Vec<ByteString>,
    pub keys: Vec<Key>,
    pub partitions: Vec<Partition>,
}

/// An event that cannot become a row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rejected {
    /// Which of the events that were given.
    pub index: usize,
    pub reason: Reject,
}

/// What should be counted about a parcel's rows.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Notes {
    /// Rows that stand at the time their message was sent, for want of their own.
    pub time_substituted: u64,
    /// Rows older than four years.
    pub time_old: u64,
}

/// Normalises events of one source. `sent_ms` is when the message that brought
/// them was sent.
pub fn normalize_all(
    source: Source,
    tenant: &Tenant,
    secret: &Secret,
    events: &[Event],
    sent_ms: i64,
) -> (Rows, Vec<Rejected>, Notes) {
    let mut columns = Columns::with_capacity(events.len());
    let mut raw = Vec::with_capacity(events.len());
    let mut keys = Vec::with_capacity(events.len());
    let mut partitions = Vec::with_capacity(events.len());
    let mut rejected = Vec::new();
    let mut notes = Notes::default();
    for (index, event) in events.iter().enumerate() {
        let text = ByteString::try_from(event.raw.clone()).map_err(Reject::from);
        let taken = text.and_then(|text| {
            let Normalised {
                row,
                event_ms,
                time_substituted,
                time_old,
            } = normalize(source, &text, event.owner.as_deref(), sent_ms)?;
            columns.append(&row);
            notes.time_substituted += u64::from(time_substituted);
            notes.time_old += u64::from(time_old);
            keys.push(secret.key(tenant, source, text.as_bytes()));
            partitions.push(Partition::tenant(tenant.clone(), Day::of_ms(event_ms)));
            raw.push(text);
            Ok(())
        });
        if let Err(reason) = taken {
            rejected.push(Rejected { index, reason });
        }
    }
    let rows = Rows {
        columns: columns.finish(),
        raw,
        keys,
        partitions,
    };
    (rows, rejected, notes)
}

/// The first [`TEXT_BYTES_MAX`] bytes, or a few less: a character is not cut.
fn clipped(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES_MAX)]
}

impl Columns {
    pub fn with_capacity(rows: usize) -> Columns {
        let texts = || StringBuilder::with_capacity(rows, rows.saturating_mul(TEXT_BYTES));
        Columns {
            texts: std::array::from_fn(|_| texts()),
            latitude: Float64Builder::with_capacity(rows),
            longitude: Float64Builder::with_capacity(rows),
            event_time: TimestampMillisecondBuilder::with_capacity(rows).with_timezone("UTC"),
        }
    }

    pub fn append(&mut self, row: &Row<'_>) {
        for (builder, text) in self.texts.iter_mut().zip(row.texts()) {
            builder.append_option(text.map(clipped));
        }
        self.latitude.append_option(row.place.latitude);
        self.longitude.append_option(row.place.longitude);
        self.event_time.append_option(row.event_time);
    }

    pub fn finish(mut self) -> RecordBatch {
        let mut texts = self.texts.iter_mut();
        let narrow = Column::ALL
            .into_iter()
            .filter(|column| column.narrow_index().is_some());
        let arrays = narrow.filter_map(|column| -> Option<ArrayRef> {
            match column {
                Column::Latitude => Some(Arc::new(self.latitude.finish())),
                Column::Longitude => Some(Arc::new(self.longitude.finish())),
                Column::EventTime => Some(Arc::new(self.event_time.finish())),
                _ => texts.next().map(|text| Arc::new(text.finish()) as ArrayRef),
            }
        });
        RecordBatch::try_new(schema::narrow(), arrays.collect())
            .expect("one array per column of the narrow schema, all of the same length")
    }
}

impl Rows {
    pub fn len(&self) -> usize {
        self.raw.len()
    }

    pub fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// A narrow column. `event_data` is not one: it is [`Rows::raw`].
    pub fn column(&self, column: Column) -> Option<&ArrayRef> {
        Some(self.columns.column(column.narrow_index()?))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;

    use super::*;

    /// 2024-06-01T00:00:00Z
    const SENT_MS: i64 = 1_717_200_000_000;

    fn tenant() -> Tenant {
        Tenant::parse("acme").expect("a valid id")
    }

    fn parcel(events: &[&str]) -> (Rows, Vec<Rejected>, Notes) {
        let events: Vec<Event> = events
            .iter()
            .map(|event| Event::of(event.as_bytes().to_vec().into()))
            .collect();
        normalize_all(Source::Okta, &tenant(), &Secret([3; 4]), &events, SENT_MS)
    }

    fn texts(rows: &Rows, column: Column) -> Vec<Option<&str>> {
        let array = rows.column(column).expect("a narrow column");
        array.as_string::<i32>().iter().collect()
    }

    #[test]
    fn a_bad_event_leaves_its_neighbours_in_order() {
        let first = r#"{"eventType":"a","published":"2024-05-31T23:59:59.999Z"}"#;
        let last = r#"{"eventType":"b","published":"2019-01-01T00:00:00Z"}"#;
        let (rows, rejected, notes) = parcel(&[first, "[]", r#"{"eventType":"c"}"#, last]);

        let indices: Vec<usize> = rejected.iter().map(|rejected| rejected.index).collect();
        assert_eq!(indices, [1]);
        assert_eq!(
            texts(&rows, Column::Action),
            [Some("a"), Some("c"), Some("b")]
        );
        assert_eq!(rows.raw[0], *first);
        let keys = [first, r#"{"eventType":"c"}"#, last]
            .map(|event| Secret([3; 4]).key(&tenant(), Source::Okta, event.as_bytes()));
        assert_eq!(rows.keys, keys);
        let days: Vec<String> = rows.partitions.iter().map(Partition::to_string).collect();
        let expected = [
            "data/acme/2024-05-31",
            "data/acme/2024-06-01",
            "data/acme/2019-01-01",
        ];
        assert_eq!(days, expected);
        let counted = Notes {
            time_substituted: 1,
            time_old: 1,
        };
        assert_eq!(notes, counted);
    }

    #[test]
    fn a_text_longer_than_its_limit_is_cut_between_characters() {
        let long = "ä".repeat(TEXT_BYTES_MAX);
        let (rows, ..) = parcel(&[&format!(r#"{{"eventType":"x{long}"}}"#)]);
        let action = texts(&rows, Column::Action)[0].map(str::len);
        assert_eq!(action, Some(TEXT_BYTES_MAX - 1));
        assert!(
            rows.raw[0].len() > 2 * TEXT_BYTES_MAX,
            "the event itself is whole"
        );
    }

    #[test]
    fn an_empty_parcel_is_an_empty_batch() {
        let (rows, rejected, _) = parcel(&[]);
        assert!(rows.is_empty() && rejected.is_empty());
        assert_eq!(rows.columns.schema(), schema::narrow());
    }
}
