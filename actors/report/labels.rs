//! Labels by tenant, few enough for whoever stores metrics.
//!
//! Tenant ids come from outside, so their number has no bound of its own: the
//! first [`TENANTS_MAX`] that have events get a label, all others share one. The
//! pipeline makes the table, so that a restarted actor gives the same labels.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use audit::{source::Source, tenant::Tenant};
use metrics::SharedString;

use crate::metrics::TENANTS_MAX;

const OTHER: &str = "other";
const INVALID: &str = "invalid";

#[derive(Clone, Debug, Default)]
pub struct Labels(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    tenants: HashMap<Tenant, SharedString>,
    /// Milliseconds since 1970, by source and label.
    newest: HashMap<(Source, SharedString), i64>,
}

impl Labels {
    /// `None`: events whose tenant could not be told.
    pub(crate) fn tenant(&self, tenant: Option<&Tenant>) -> SharedString {
        tenant.map_or(SharedString::const_str(INVALID), |tenant| {
            self.with(|known| known.label(tenant))
        })
    }

    /// The label, and the newest event's time that was seen under it.
    pub(crate) fn newest(&self, source: Source, tenant: &Tenant, ms: i64) -> (SharedString, i64) {
        self.with(|known| {
            let label = known.label(tenant);
            let newest = known.newest.entry((source, label.clone())).or_insert(ms);
            *newest = ms.max(*newest);
            (label, *newest)
        })
    }

    fn with<T>(&self, look: impl FnOnce(&mut Known) -> T) -> T {
        // Nothing panics while it is held, and it holds labels only.
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Known {
    fn label(&mut self, tenant: &Tenant) -> SharedString {
        if let Some(label) = self.tenants.get(tenant) {
            return label.clone();
        }
        if self.tenants.len() >= TENANTS_MAX {
            return SharedString::const_str(OTHER);
        }
        let label = SharedString::from_shared(Arc::from(tenant.as_str()));
        self.tenants.insert(tenant.clone(), label.clone());
        label
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(number: usize) -> Tenant {
        Tenant::parse(&format!("t{number}")).expect("a valid id")
    }

    #[test]
    fn tenants_beyond_the_first_share_a_label() {
        let labels = Labels::default();
        for number in (0..TENANTS_MAX + 5).chain(0..3) {
            let id = tenant(number).to_string();
            let expected = if number < TENANTS_MAX { &id } else { OTHER };
            assert_eq!(&*labels.tenant(Some(&tenant(number))), expected);
        }
        assert_eq!(&*labels.tenant(None), INVALID);
    }

    #[test]
    fn the_newest_event_does_not_grow_older() {
        let labels = Labels::default();
        for (source, ms, expected) in [
            (Source::Aws, 5, 5),
            (Source::Aws, 9, 9),
            (Source::Aws, 7, 9),
            (Source::Okta, 7, 7),
        ] {
            let (label, newest) = labels.newest(source, &tenant(1), ms);
            assert_eq!((&*label, newest), ("t1", expected));
        }
    }
}
