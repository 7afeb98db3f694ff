//! The embedded mode has no buckets: whatever a message points to is foreign.

use actors::ports::{self, ObjectError, Stretch};
use async_trait::async_trait;
use audit::message::Object;

#[derive(Clone, Copy, Debug)]
pub struct NoObjects;

#[async_trait]
impl ports::Objects for NoObjects {
    async fn read(&self, _: &Object, _: u64, _: Option<&str>) -> Result<Stretch, ObjectError> {
        Err(ObjectError::Forbidden(
            "S3 notifications need a bucket: not in embedded mode".into(),
        ))
    }
}
