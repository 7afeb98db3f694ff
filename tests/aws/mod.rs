//! idtrail on AWS, which MiniStack stands in for: every form of message, every
//! permission missing in turn, faults between the program and the services.

mod cloud;
mod crash;
mod faults;
mod forms;
mod hostile;
mod operation;
mod permissions;
mod points;
mod proxy;
pub(crate) mod recipes;
mod replicas;
mod senders;
mod site;
mod soak;

pub(crate) const REGION: &str = "eu-central-1";
pub(crate) const ACCOUNT: &str = "111122223333";
