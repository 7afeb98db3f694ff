//! An invented company, and what its audit logs would hold.
#[derive(Debug)]
pub struct Company(u64);
#[derive(Debug)]
pub struct Event {
    pub source: audit::source::Source,
    pub time: jiff::Timestamp,
    pub raw: Vec<u8>,
}
impl Company {
    pub fn found(seed: u64) -> Company {
        Company(seed)
    }
    pub fn history(
        &self,
        until: jiff::civil::Date,
        events: u64,
    ) -> impl Iterator<Item = Event> + Send + use<> {
        let d = until;
        (0..events).map(move |i| Event{source: audit::source::Source::Okta, time: jiff::Timestamp::UNIX_EPOCH, raw: format!("{{\"uuid\":\"{i}\",\"published\":\"{d}T00:00:00.000Z\",\"eventType\":\"user.session.start\"}}").into_bytes()})
    }
    pub fn live(&self, from: jiff::Timestamp) -> impl Iterator<Item = Event> + Send + use<> {
        std::iter::empty().chain(std::iter::from_fn(move || {
            let _ = from;
            None
        }))
    }
    pub fn city_database(&self) -> Vec<u8> {
        vec![]
    }
}
