//! A hook by which tests make an actor fail where they want.
//!
//! Called before each message is handled. What it does happens inside the
//! actor: a panic here is a panic of the actor, met by the same supervisor.
//! Outside tests there is none, and the call is one branch.

use std::fmt;
use std::sync::Arc;

type Hook = dyn Fn(&str, u64) + Send + Sync;

#[derive(Clone, Default)]
pub struct Probe(Option<Arc<Hook>>);

impl Probe {
    pub fn none() -> Self {
        Self(None)
    }

    /// `hook` gets the actor's name and the number of the message, counted
    /// from 1 over all incarnations and workers of that name.
    pub fn new(hook: impl Fn(&str, u64) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(hook)))
    }

    pub(super) fn before(&self, actor: &str, nth: u64) {
        if let Some(hook) = &self.0 {
            hook(actor, nth);
        }
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.0.is_some() {
            "Probe(hook)"
        } else {
            "Probe(none)"
        };
        f.write_str(kind)
    }
}
