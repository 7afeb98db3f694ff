//! `idtrail demo`: an invented company's three months, through the real thing.
//!
//! Everything is in one directory of its own, which each demo begins anew: the
//! GeoIP database of the company's addresses, then queue, journal and lake. The
//! events go through the queue like anybody's; a few are sent twice and a few
//! broken, to show what becomes of those. Then new ones trickle in.

mod home;
mod stage;
mod summary;

pub use self::{
    home::{Home, HomeError},
    stage::{Cast, Stage},
    summary::Summary,
};
