//! The points by name.

use std::{fmt, str::FromStr};

/// Where a process may end. K8 and K20 to K22 are the detector's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Point {
    /// Messages were received.
    K1,
    /// They are being decoded.
    K2,
    /// A batch is closed, its object about to be written.
    K3,
    /// The write of a batch is under way.
    K4,
    /// A batch was written, which nobody heard.
    K5,
    /// After it, the boundary was looked at.
    K6,
    /// Half of the messages of a call are deleted.
    K7,
    /// A plan is about to be written.
    K9,
    /// A plan was written, which nobody heard.
    K10,
    /// The write of a file of the lake is under way.
    K11,
    /// A file of the lake was written, which nobody heard.
    K12,
    /// The write of the record that says so is under way.
    K13,
    /// The write of a checkpoint is under way, its keys are written.
    K14,
    /// The boundary was written, which nobody heard.
    K15,
    /// What lies below it is being removed.
    K16,
    /// The write of a fence is under way.
    K17,
    /// The journal is being read.
    K18,
    /// The file of another process's plan is being written.
    K19,
}

impl Point {
    pub const ALL: [Point; 18] = [
        Point::K1,
        Point::K2,
        Point::K3,
        Point::K4,
        Point::K5,
        Point::K6,
        Point::K7,
        Point::K9,
        Point::K10,
        Point::K11,
        Point::K12,
        Point::K13,
        Point::K14,
        Point::K15,
        Point::K16,
        Point::K17,
        Point::K18,
        Point::K19,
    ];
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl FromStr for Point {
    type Err = ();

    fn from_str(text: &str) -> Result<Point, ()> {
        let found = Point::ALL
            .into_iter()
            .find(|point| point.to_string() == text);
        found.ok_or(())
    }
}
