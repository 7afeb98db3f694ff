//! An invented company, and what its audit logs would hold.
