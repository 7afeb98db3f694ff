//! Client addresses in canonical text.
//!
//! IPv4 is dotted, IPv6 as in RFC 5952; an IPv4-mapped IPv6 address becomes the
//! IPv4 address that it means, so that a client is one value whatever socket it
//! came through. Host names, damaged addresses (`253.252.51.07`), and `0.0.0.0`
//! and `::`, which name nobody, are no addresses.

use std::{
    borrow::Cow,
    net::{IpAddr, SocketAddr},
};

use crate::row::Text;

/// The address that `text` is.
pub(super) fn canonical<'a>(text: &Cow<'a, str>) -> Text<'a> {
    match text.parse().ok()? {
        // Only the canonical text of an IPv4 address parses.
        IpAddr::V4(address) if !address.is_unspecified() => Some(text.clone()),
        address => shown(address),
    }
}

/// The address in `host:port`, `[v6]:port`, or without a port.
pub(super) fn without_port<'a>(text: &Cow<'a, str>) -> Text<'a> {
    if let Ok(socket) = text.parse::<SocketAddr>() {
        return shown(socket.ip());
    }
    match text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        Some(bare) => shown(bare.parse().ok()?),
        None => canonical(text),
    }
}

fn shown(address: IpAddr) -> Text<'static> {
    let address = address.to_canonical();
    (!address.is_unspecified()).then(|| Cow::Owned(address.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        read: fn(&Cow<'static, str>) -> Text<'static>,
        text: &'static str,
        expected: Option<&str>,
    ) {
        assert_eq!(read(&Cow::Borrowed(text)).as_deref(), expected, "{text}");
    }

    #[test]
    fn only_addresses_are_addresses() {
        for (text, expected) in [
            ("192.0.2.1", Some("192.0.2.1")),
            ("2001:DB8:0:0::1", Some("2001:db8::1")),
            ("::ffff:192.0.2.1", Some("192.0.2.1")),
            ("::ffff:0.0.0.0", None),
            ("253.252.51.07", None),
            ("192.0.2.1:443", None),
            ("cloudtrail.amazonaws.com", None),
            ("AWS Internal", None),
            ("0.0.0.0", None),
            ("::", None),
            ("...", None),
        ] {
            check(canonical, text, expected);
        }
    }

    #[test]
    fn ports_and_brackets_are_taken_off() {
        for (text, expected) in [
            ("192.0.2.1:3022", Some("192.0.2.1")),
            ("192.0.2.1", Some("192.0.2.1")),
            ("[2001:db8::1]:3022", Some("2001:db8::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("[::ffff:192.0.2.1]:1", Some("192.0.2.1")),
            ("[2001:db8::baf00]:1", None),
            ("[::]:3022", None),
            ("host.example.com:3022", None),
        ] {
            check(without_port, text, expected);
        }
    }
}
