//! Writes a MaxMind DB (file format 2.0), as small as the City database of one
//! company needs: networks that do not overlap, each with one record.
//!
//! <https://maxmind.github.io/MaxMind-DB/>. The search tree is of IPv6 with
//! 28-bit records; IPv4 networks stand in `::/96`, and IPv4-mapped addresses are
//! led there. A record that several networks share is written once.

use core::net::IpAddr;

/// What a record or the metadata is made of.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Value<'a> {
    Text(&'a str),
    Double(f64),
    U16(u16),
    U32(u32),
    U64(u64),
    List(Vec<Value<'a>>),
    Map(Vec<(&'a str, Value<'a>)>),
}

/// Begins the metadata.
const METADATA: &[u8] = b"\xab\xcd\xefMaxMind.com";

/// Between the tree and the data.
const SEPARATOR: usize = 16;

/// Where a branch of the tree leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Branch {
    Nowhere,
    Node(usize),
    /// A record, by its offset in the data.
    Record(usize),
}

#[derive(Debug)]
pub(crate) struct Writer<'a> {
    nodes: Vec<[Branch; 2]>,
    data: Vec<u8>,
    written: Vec<(Value<'a>, usize)>,
}

impl<'a> Writer<'a> {
    pub(crate) fn new() -> Writer<'a> {
        Writer {
            nodes: vec![[Branch::Nowhere; 2]],
            data: Vec::new(),
            written: Vec::new(),
        }
    }

    /// A network, by an address in it and the bits of its prefix.
    pub(crate) fn insert(&mut self, address: IpAddr, bits: u8, record: &Value<'a>) {
        let known = self.written.iter().find(|(written, _)| written == record);
        let offset = match known {
            Some((_, offset)) => *offset,
            None => {
                let offset = self.data.len();
                put(&mut self.data, record);
                self.written.push((record.clone(), offset));
                offset
            }
        };
        match address {
            IpAddr::V6(address) => self.lead(address.to_bits(), bits, Branch::Record(offset)),
            IpAddr::V4(address) => {
                let low = u128::from(address.to_bits());
                self.lead(low, 96 + bits, Branch::Record(offset));
            }
        }
    }

    /// The file. `kind` is its `database_type`, `epoch` when it was made.
    pub(crate) fn finish(mut self, kind: &str, description: &str, epoch: u64) -> Vec<u8> {
        if let Some(v4) = self.find(0, 96) {
            self.lead(0xFFFF << 32, 96, v4);
        }
        let nodes = self.nodes.len();
        let mut out = Vec::with_capacity(nodes * 7 + self.data.len() + 512);
        for [left, right] in &self.nodes {
            let [left, right] = [left, right].map(|branch| match *branch {
                Branch::Nowhere => nodes,
                Branch::Node(node) => node,
                Branch::Record(offset) => nodes + SEPARATOR + offset,
            });
            put_node(left as u32, right as u32, &mut out);
        }
        out.extend([0; SEPARATOR]);
        out.extend_from_slice(&self.data);
        out.extend_from_slice(METADATA);
        let metadata = Value::Map(vec![
            ("binary_format_major_version", Value::U16(2)),
            ("binary_format_minor_version", Value::U16(0)),
            ("build_epoch", Value::U64(epoch)),
            ("database_type", Value::Text(kind)),
            (
                "description",
                Value::Map(vec![("en", Value::Text(description))]),
            ),
            ("ip_version", Value::U16(6)),
            ("languages", Value::List(vec![Value::Text("en")])),
            ("node_count", Value::U32(nodes as u32)),
            ("record_size", Value::U16(28)),
        ]);
        put(&mut out, &metadata);
        out
    }

    /// Makes the branch at a prefix lead there.
    fn lead(&mut self, address: u128, bits: u8, to: Branch) {
        let mut node = 0;
        for depth in 0..bits {
            let side = (address >> (127 - depth) & 1) as usize;
            if depth + 1 == bits {
                self.nodes[node][side] = to;
            } else if let Branch::Node(next) = self.nodes[node][side] {
                node = next;
            } else {
                self.nodes.push([Branch::Nowhere; 2]);
                let next = self.nodes.len() - 1;
                self.nodes[node][side] = Branch::Node(next);
                node = next;
            }
        }
    }

    fn find(&self, address: u128, bits: u8) -> Option<Branch> {
        let mut branch = Branch::Node(0);
        for depth in 0..bits {
            let Branch::Node(node) = branch else {
                return None;
            };
            branch = self.nodes[node][(address >> (127 - depth) & 1) as usize];
        }
        Some(branch)
    }
}

/// Two records of 28 bits: their upper four bits share the byte in the middle.
fn put_node(left: u32, right: u32, out: &mut Vec<u8>) {
    let [left_top, left @ ..] = left.to_be_bytes();
    let [right_top, right @ ..] = right.to_be_bytes();
    out.extend_from_slice(&left);
    out.push(left_top << 4 | right_top & 15);
    out.extend_from_slice(&right);
}

fn put(out: &mut Vec<u8>, value: &Value<'_>) {
    match value {
        Value::Text(text) => {
            put_control(2, text.len(), out);
            out.extend_from_slice(text.as_bytes());
        }
        Value::Double(number) => {
            put_control(3, 8, out);
            out.extend_from_slice(&number.to_be_bytes());
        }
        Value::U16(number) => put_unsigned(5, &number.to_be_bytes(), out),
        Value::U32(number) => put_unsigned(6, &number.to_be_bytes(), out),
        Value::U64(number) => put_unsigned(9, &number.to_be_bytes(), out),
        Value::List(values) => {
            put_control(11, values.len(), out);
            values.iter().for_each(|value| put(out, value));
        }
        Value::Map(members) => {
            put_control(7, members.len(), out);
            for (key, value) in members {
                put(out, &Value::Text(key));
                put(out, value);
            }
        }
    }
}

/// Without leading zeros: nought has no bytes at all.
fn put_unsigned(kind: u8, bytes: &[u8], out: &mut Vec<u8>) {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    put_control(kind, bytes.len() - zeros, out);
    out.extend_from_slice(&bytes[zeros..]);
}

/// Type and size; types above 7 and sizes above 28 need a further byte each.
/// Nothing here is longer than the 284 that these hold.
fn put_control(kind: u8, size: usize, out: &mut Vec<u8>) {
    let (short, more) = match size {
        0..29 => (size as u8, None),
        _ => (29, Some((size - 29).min(255) as u8)),
    };
    if kind <= 7 {
        out.push(kind << 5 | short);
    } else {
        out.extend([short, kind - 7]);
    }
    out.extend(more);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &Value<'_>, expected: &[u8]) {
        let mut out = Vec::new();
        put(&mut out, value);
        assert_eq!(out, expected, "{value:?}");
    }

    #[test]
    fn values_are_written_as_the_format_says() {
        check(&Value::Text("ab"), b"\x42ab");
        check(
            &Value::Text(&"x".repeat(30)),
            &[&[0x5D, 1][..], &[b'x'; 30]].concat(),
        );
        check(&Value::U16(0), &[0xA0]);
        check(&Value::U32(258), &[0xC2, 1, 2]);
        check(&Value::U64(7), &[0x01, 2, 7]);
        check(&Value::List(vec![Value::U16(1)]), &[0x01, 4, 0xA1, 1]);
        check(
            &Value::Map(vec![("a", Value::Text(""))]),
            &[0xE1, 0x41, b'a', 0x40],
        );
    }

    #[test]
    fn two_records_share_seven_bytes() {
        let mut out = Vec::new();
        put_node(0x0ABC_DEF1, 0x0234_5678, &mut out);
        assert_eq!(out, [0xBC, 0xDE, 0xF1, 0xA2, 0x34, 0x56, 0x78]);
    }

    #[test]
    fn an_address_leads_to_the_record_of_its_network() {
        let mut writer = Writer::new();
        let network = |text: &str| -> IpAddr { text.parse().expect("an address") };
        for (address, bits, name) in [
            ("192.0.2.0", 28, "a"),
            ("192.0.2.16", 28, "b"),
            ("2001:db8::", 32, "c"),
        ] {
            let record = Value::Map(vec![("name", Value::Text(name))]);
            writer.insert(network(address), bits, &record);
        }
        let reader = maxminddb::Reader::from_source(writer.finish("Test-City", "Test", 1));
        let reader = reader.expect("a database");
        reader.verify().expect("as the format says");
        for (address, expected) in [
            ("192.0.2.1", Some("a")),
            ("192.0.2.15", Some("a")),
            ("192.0.2.16", Some("b")),
            ("::ffff:192.0.2.17", Some("b")),
            ("192.0.2.32", None),
            ("2001:db8::9", Some("c")),
            ("2001:db9::", None),
        ] {
            let found = reader.lookup(network(address)).expect("readable");
            let record: Option<std::collections::BTreeMap<&str, &str>> =
                found.decode().expect("a record");
            let name = record.and_then(|record| record.get("name").copied());
            assert_eq!(name, expected, "{address}");
        }
    }
}
