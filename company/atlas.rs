//! Places, the networks there, and the addresses in them that somebody uses.
//!
//! All networks are of the ranges set aside for documentation. What the City
//! database says of an address ([`crate::city`]) and what Okta and GitHub say of
//! it in their events comes from here, so that the two agree.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::table::{self, Table};

const ATLAS: &str = include_str!("templates/atlas.txt");

/// What a network is used for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Use {
    Office,
    Vpn,
    Home,
    Mobile,
    Travel,
    Cloud,
    Nodes,
    Runners,
    Saas,
    Intruder,
}

#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) address: IpAddr,
    pub(crate) bits: u8,
    pub(crate) place: usize,
    pub(crate) used_as: Use,
    isp: &'static str,
    asn: &'static str,
}

/// An address that events come from.
#[derive(Debug)]
pub(crate) struct Spot {
    pub(crate) network: usize,
    pub(crate) address: IpAddr,
    /// As in a URL: IPv6 in brackets.
    pub(crate) host: Box<str>,
    pub(crate) text: Box<str>,
}

#[derive(Debug)]
pub(crate) struct Atlas {
    places: Table,
    pub(crate) networks: Vec<Network>,
    spots: Vec<Spot>,
}

impl Use {
    pub(crate) fn named(name: &str) -> Result<Use, String> {
        Ok(match name {
            "office" => Use::Office,
            "vpn" => Use::Vpn,
            "home" => Use::Home,
            "mobile" => Use::Mobile,
            "travel" => Use::Travel,
            "cloud" => Use::Cloud,
            "nodes" => Use::Nodes,
            "runners" => Use::Runners,
            "saas" => Use::Saas,
            "intruder" => Use::Intruder,
            _ => return Err(format!("no use of a network is called {name}")),
        })
    }
}

impl Atlas {
    pub(crate) fn read() -> Result<Atlas, String> {
        let mut tables = table::read(ATLAS)?.into_iter();
        let (Some(places), Some(listed)) = (tables.next(), tables.next()) else {
            return Err("places and networks are needed".into());
        };
        let networks = listed
            .rows
            .iter()
            .map(|row| network(row, &places))
            .collect::<Result<_, _>>()?;
        Ok(Atlas {
            places,
            networks,
            spots: Vec::new(),
        })
    }

    /// The `host`th address of a network, as a spot.
    pub(crate) fn settle(&mut self, network: usize, host: u64) -> usize {
        let Network { address, bits, .. } = self.networks[network];
        let address = match address {
            IpAddr::V4(first) => {
                // Neither the network's own address nor its broadcast.
                let hosts = (1u64 << (32 - bits)) - 2;
                let host = 1 + (host % hosts) as u32;
                IpAddr::V4(Ipv4Addr::from_bits(first.to_bits() + host))
            }
            IpAddr::V6(first) => {
                IpAddr::V6(Ipv6Addr::from_bits(first.to_bits() | u128::from(host)))
            }
        };
        if let Some(known) = self.spots.iter().position(|spot| spot.address == address) {
            return known;
        }
        let text = address.to_string();
        let host = match address {
            IpAddr::V4(_) => text.clone(),
            IpAddr::V6(_) => format!("[{text}]"),
        };
        self.spots.push(Spot {
            network,
            address,
            host: host.into(),
            text: text.into(),
        });
        self.spots.len() - 1
    }

    pub(crate) fn spot(&self, spot: usize) -> &Spot {
        &self.spots[spot]
    }

    /// The networks of that use, of one place or of all.
    pub(crate) fn used_as(&self, used_as: Use, place: Option<&str>) -> Vec<usize> {
        let fits = |network: &Network| {
            network.used_as == used_as
                && place.is_none_or(|name| self.places.rows[network.place][0] == name)
        };
        (0..self.networks.len())
            .filter(|index| fits(&self.networks[*index]))
            .collect()
    }

    /// Where a column of a place is found: the network's own come after them.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        let places = self.places.columns.len();
        match name {
            "isp" => Some(places),
            "asn" => Some(places + 1),
            "ip_version" => Some(places + 2),
            _ => self.places.column(name),
        }
    }

    pub(crate) fn place_text(&self, place: usize, column: usize) -> &'static str {
        self.places.rows[place][column]
    }

    pub(crate) fn text(&self, spot: usize, column: usize) -> &'static str {
        let network = &self.networks[self.spots[spot].network];
        match column.checked_sub(self.places.columns.len()) {
            None => self.place_text(network.place, column),
            Some(0) => network.isp,
            Some(1) => network.asn,
            Some(_) if network.address.is_ipv4() => "V4",
            Some(_) => "V6",
        }
    }
}

fn network(row: &[&'static str], places: &Table) -> Result<Network, String> {
    let wrong = || format!("no network: {}", row.join(" | "));
    let (address, bits) = row[0].split_once('/').ok_or_else(wrong)?;
    let address: IpAddr = address.parse().map_err(|_| wrong())?;
    let bits: u8 = bits.parse().map_err(|_| wrong())?;
    let room = if address.is_ipv4() { 8..=30 } else { 16..=64 };
    if !room.contains(&bits) {
        return Err(wrong());
    }
    Ok(Network {
        address,
        bits,
        place: places.row(row[1]).ok_or_else(wrong)?,
        used_as: Use::named(row[2])?,
        isp: row[3],
        asn: row[4],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_networks_are_set_aside_for_documentation_and_none_overlaps_another() {
        let atlas = Atlas::read().expect("right");
        let ranges = |network: &Network| match network.address {
            IpAddr::V4(first) => {
                let first = u128::from(first.to_bits());
                (false, first, first + (1 << (32 - network.bits)) - 1)
            }
            IpAddr::V6(first) => {
                let first = first.to_bits();
                (true, first, first + (1u128 << (128 - network.bits)) - 1)
            }
        };
        let within = |first: u128, last: u128, v6: bool| {
            let documented: &[(&str, u32)] = match v6 {
                true => &[("2001:db8::", 96), ("3fff::", 108)],
                false => &[("192.0.2.0", 8), ("198.51.100.0", 8), ("203.0.113.0", 8)],
            };
            documented.iter().any(|(base, host_bits)| {
                let base = match base.parse().expect("an address") {
                    IpAddr::V4(base) => u128::from(base.to_bits()),
                    IpAddr::V6(base) => base.to_bits(),
                };
                base <= first && last <= base + ((1u128 << host_bits) - 1)
            })
        };
        let mut seen: Vec<(bool, u128, u128)> = Vec::new();
        for network in &atlas.networks {
            let (v6, first, last) = ranges(network);
            assert!(within(first, last, v6), "{network:?}");
            for (other_v6, other_first, other_last) in &seen {
                let apart = v6 != *other_v6 || last < *other_first || first > *other_last;
                assert!(apart, "{network:?} overlaps");
            }
            seen.push((v6, first, last));
        }
        assert!(atlas.places.rows.len() >= 25);
    }

    #[test]
    fn an_address_is_settled_once() {
        let mut atlas = Atlas::read().expect("right");
        let spot = atlas.settle(0, 3);
        assert_eq!(atlas.settle(0, 3), spot);
        assert_eq!(atlas.spot(spot).text.as_ref(), "192.0.2.4");
        assert_eq!(atlas.settle(0, 3 + 14), spot, "as many hosts as fit");
    }
}
