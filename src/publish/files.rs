//! Whole files: read as a stream, taken apart, and sent.
//!
//! What is no event is sent too, by itself, so that it reaches quarantine like
//! anything else that is bad, and is not lost on the way there. A file that
//! begins with no event at all is something else, and refused.

use std::io::Read;

use audit::message::{Bad, Decoder, Limits, Parcel, Pull, Unreadable};

use super::{Packing, PublishError, Publisher, Sent};

/// How many pieces of a file that are no events are told of one by one.
const BAD_TOLD_MAX: u64 = 10;

#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file's fault.
    #[error("{0}: {1}")]
    Unreadable(String, Unreadable),
    #[error(
        "{0}: byte {1}: {2}. Nothing of it was sent: it begins with something else than audit events"
    )]
    NoEvents(String, u64, String),
    #[error(transparent)]
    Publish(#[from] PublishError),
}

/// Sends files, one after the other.
#[derive(Debug)]
pub struct Files {
    publisher: Publisher,
    packing: Packing,
}

impl Files {
    pub fn new(publisher: Publisher) -> Files {
        Files {
            publisher,
            packing: Packing::default(),
        }
    }

    /// Sends what is in one file; its last events may wait for the next file's.
    /// Reads and compresses where it is awaited: for a process that does
    /// nothing else meanwhile.
    pub async fn publish(
        &mut self,
        name: &str,
        reader: impl Read + Send + 'static,
    ) -> Result<(), FileError> {
        let unreadable = |why| FileError::Unreadable(name.to_owned(), why);
        let (mut bad, mut first) = (0, true);
        let mut decoder = Decoder::of_reader(reader, &limits());
        loop {
            let parcel = match decoder.next_parcel() {
                Ok(Pull::Parcel(parcel)) => parcel,
                // Only a decoder that is fed is ever hungry.
                Ok(Pull::End | Pull::Hungry) | Err(Unreadable::Empty) => break,
                Err(why) => {
                    // What came before is sent: the error names the rest.
                    self.flush().await?;
                    return Err(unreadable(why));
                }
            };
            if std::mem::take(&mut first)
                && let Some(Bad { offset, reason, .. }) = foreign(&parcel)
            {
                self.flush().await?;
                return Err(FileError::NoEvents(
                    name.to_owned(),
                    *offset,
                    reason.clone(),
                ));
            }
            for event in parcel.events {
                self.packing.event(event.raw);
            }
            for object in parcel.objects {
                self.packing.alone(object.raw);
            }
            for piece in parcel.bad {
                bad += 1;
                if bad <= BAD_TOLD_MAX {
                    let (offset, reason) = (piece.offset, &*piece.reason);
                    tracing::warn!(
                        file = name,
                        offset,
                        reason,
                        "not an event, sent for quarantine"
                    );
                }
                self.packing.alone(piece.raw);
            }
            if parcel.skipped > 0 {
                tracing::info!(
                    file = name,
                    notices = parcel.skipped,
                    "notices without events left out"
                );
            }
            self.publisher.send_all(&mut self.packing).await?;
        }
        if bad > BAD_TOLD_MAX {
            tracing::warn!(file = name, pieces = bad, "not events, sent for quarantine");
        }
        Ok(())
    }

    /// Sends what is still being packed and says what was sent in all.
    pub async fn finish(mut self) -> Result<Sent, PublishError> {
        self.flush().await?;
        Ok(self.publisher.sent())
    }

    async fn flush(&mut self) -> Result<(), PublishError> {
        self.packing.finish();
        self.publisher.send_all(&mut self.packing).await
    }
}

/// The first piece of something else altogether, which is not worth a message
/// for each of its lines.
fn foreign(parcel: &Parcel) -> Option<&Bad> {
    let has_events = !parcel.events.is_empty() || !parcel.objects.is_empty();
    parcel.bad.first().filter(|_| !has_events)
}

/// The user's own file may be of any size; a single event may not.
fn limits() -> Limits {
    Limits {
        compressed_bytes: u64::MAX,
        unpacked_bytes: u64::MAX,
        ratio: u64::MAX,
        ..Limits::default()
    }
}
