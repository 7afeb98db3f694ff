//! The targets, one for each decoder.

use audit::tenant::Tenant;

#[derive(Debug)]
pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
}

pub const TARGETS: &[Target] = &[Target {
    name: "tenant",
    run: tenant,
}];

fn tenant(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Ok(tenant) = Tenant::parse(&text) {
        assert_eq!(tenant.to_string(), text);
    }
}
