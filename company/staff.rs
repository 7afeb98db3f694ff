//! Who acts: people with their working hours and whereabouts, and machines.
//!
//! A *group* is whom an event may be by: `engineer`, `admin`, `terraform`. A
//! machine is a group of its own. One person has one e-mail address, and that
//! is what all four systems know them by.

use crate::{
    atlas::{Atlas, Use},
    id::{below, key_of, mix},
    table::{self, Table},
};

const PEOPLE: &str = include_str!("templates/people.txt");

/// What is known of an actor by name, in the order of [`Actor::texts`].
const ATTRIBUTES: [&str; 7] = [
    "name",
    "email",
    "first",
    "login",
    "department",
    "sso_role",
    "unix",
];

const DOMAIN: &str = "example.com";

/// From which device somebody works who is not invited.
const INTRUDERS_DEVICE: &str = "intruder";

/// Minutes of a working day, lunch among them.
pub(crate) const SHIFT_MINUTES: i64 = 8 * 60 + 30;

#[derive(Debug)]
pub(crate) struct Actor {
    /// What this actor's ids follow from.
    pub(crate) key: u64,
    texts: Vec<Box<str>>,
    pub(crate) device: usize,
    pub(crate) home: Home,
}

/// Where an actor is found.
#[derive(Debug)]
pub(crate) enum Home {
    Person(Desk),
    /// The addresses that it goes out by, and when.
    Machine {
        spots: Vec<usize>,
        rhythm: Rhythm,
    },
}

/// A person's addresses, as spots of the atlas, and hours.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) office: usize,
    pub(crate) house: usize,
    pub(crate) vpn: usize,
    pub(crate) mobile: usize,
    pub(crate) away: Vec<usize>,
    /// When a usual day begins, in minutes of the UTC day.
    pub(crate) begins: i64,
}

/// When a machine acts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rhythm {
    Always,
    /// As people do.
    Work,
    Night,
}

#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) members: Vec<usize>,
    pub(crate) is_machine: bool,
}

#[derive(Debug)]
pub(crate) struct Staff {
    pub(crate) actors: Vec<Actor>,
    pub(crate) groups: Vec<Group>,
    devices: Table,
    pub(crate) intruders_device: usize,
    people: usize,
}

impl Staff {
    /// Attributes that are asked for by number.
    pub(crate) const NAME: usize = 0;
    pub(crate) const EMAIL: usize = 1;

    pub(crate) fn read(seed: u64, atlas: &mut Atlas) -> Result<Staff, String> {
        let mut tables = table::read(PEOPLE)?.into_iter();
        let mut table = |name: &str| {
            let found = tables.next().filter(|table| table.name == name);
            found.ok_or_else(|| format!("the table {name} is missing or out of order"))
        };
        let (departments, offices) = (table("department")?, table("office")?);
        let (people, devices, machines) = (table("person")?, table("device")?, table("machine")?);
        let intruders_device = devices
            .row(INTRUDERS_DEVICE)
            .ok_or("the intruder has no device")?;
        let mut staff = Staff {
            actors: Vec::new(),
            groups: Vec::new(),
            devices,
            intruders_device,
            people: people.rows.len(),
        };
        for row in &people.rows {
            staff.hire(seed, row, [&departments, &offices], atlas)?;
        }
        for row in &machines.rows {
            staff.install(seed, row, atlas)?;
        }
        Ok(staff)
    }

    pub(crate) fn group(&self, name: &str) -> Option<usize> {
        self.groups.iter().position(|group| group.name == name)
    }

    /// The person of that e-mail address.
    pub(crate) fn person(&self, email: &str) -> Option<usize> {
        let mut people = self.actors.iter().take(self.people);
        people.position(|person| person.text(Staff::EMAIL) == email)
    }

    /// Somebody else.
    pub(crate) fn colleague(&self, of: usize, salt: u64) -> &Actor {
        let chosen = below(mix(salt, 77), self.people as u64) as usize;
        let chosen = if chosen == of { chosen + 1 } else { chosen };
        &self.actors[chosen % self.people]
    }

    pub(crate) fn attribute(name: &str) -> Option<usize> {
        ATTRIBUTES.iter().position(|known| *known == name)
    }

    pub(crate) fn device_column(&self, name: &str) -> Option<usize> {
        self.devices.column(name)
    }

    pub(crate) fn device_text(&self, device: usize, column: usize) -> &'static str {
        self.devices.rows[device][column]
    }

    fn hire(
        &mut self,
        seed: u64,
        row: &[&'static str],
        [departments, offices]: [&Table; 2],
        atlas: &mut Atlas,
    ) -> Result<(), String> {
        let [first, last, department, office, home] = *row else {
            return Err(format!("no person: {row:?}"));
        };
        let wrong = |what: &str| format!("{first} {last}: {what}");
        let listed = departments
            .row(department)
            .map(|row| &departments.rows[row]);
        let listed = listed.ok_or_else(|| wrong("no such department"))?;
        let hours = offices
            .row(office)
            .and_then(|row| offices.rows[row][1].parse().ok());
        let hours: i64 = hours.ok_or_else(|| wrong("no such office"))?;
        let initial: String = first.chars().take(1).collect();
        let unix = format!("{initial}{last}").to_lowercase();
        let email = format!("{first}.{last}@{DOMAIN}").to_lowercase();
        let key = mix(seed, key_of(&email));
        let member = self.actors.len();
        let texts = [
            format!("{first} {last}"),
            email,
            first.to_owned(),
            format!("{unix}-acme"),
            department.to_owned(),
            listed[2].to_owned(),
            unix,
        ];
        let desk = desk(key, office, home, hours, atlas);
        self.actors.push(Actor {
            key,
            texts: texts.into_iter().map(String::into_boxed_str).collect(),
            // The last two are a telephone and the intruder's.
            device: below(mix(key, 1), self.devices.rows.len() as u64 - 2) as usize,
            home: Home::Person(desk.ok_or_else(|| wrong("no network at the office or at home"))?),
        });
        for name in listed[1].split_whitespace() {
            self.join(name, member, false);
        }
        Ok(())
    }

    fn install(
        &mut self,
        seed: u64,
        row: &[&'static str],
        atlas: &mut Atlas,
    ) -> Result<(), String> {
        let [name, rhythm, used_as, agent] = *row else {
            return Err(format!("no machine: {row:?}"));
        };
        let rhythm = match rhythm {
            "always" => Rhythm::Always,
            "work" => Rhythm::Work,
            "night" => Rhythm::Night,
            _ => return Err(format!("{name}: no rhythm is called {rhythm}")),
        };
        let networks = atlas.used_as(Use::named(used_as)?, None);
        let spots = networks
            .iter()
            .flat_map(|network| [2, 5, 6, 9].map(|host| (*network, host)))
            .map(|(network, host)| atlas.settle(network, host))
            .collect();
        let columns = self.devices.columns.len();
        // A device of its own, of which only the agent is known.
        let mut device = vec![name; columns];
        device[columns - 1] = agent;
        self.devices.rows.push(device);
        let member = self.actors.len();
        let mut texts: Vec<Box<str>> = vec!["".into(); ATTRIBUTES.len()];
        texts[0] = name.into();
        self.actors.push(Actor {
            key: mix(seed, key_of(name)),
            texts,
            device: self.devices.rows.len() - 1,
            home: Home::Machine { spots, rhythm },
        });
        self.join(name, member, true);
        Ok(())
    }

    fn join(&mut self, group: &'static str, member: usize, is_machine: bool) {
        match self.group(group) {
            Some(known) => self.groups[known].members.push(member),
            None => self.groups.push(Group {
                name: group,
                members: vec![member],
                is_machine,
            }),
        }
    }
}

impl Actor {
    pub(crate) fn text(&self, attribute: usize) -> &str {
        &self.texts[attribute]
    }
}

fn desk(key: u64, office: &str, home: &str, hours: i64, atlas: &mut Atlas) -> Option<Desk> {
    let mut settle = |used_as: Use, place: Option<&str>, host: u64| {
        let networks = atlas.used_as(used_as, place);
        let chosen = below(mix(key, 2), networks.len() as u64) as usize;
        let network = *networks.get(chosen)?;
        // Only as many addresses as an office has are shared.
        Some(atlas.settle(network, host))
    };
    let interface = mix(key, 3) >> 16;
    let desk = Desk {
        office: settle(Use::Office, Some(office), interface % 3)?,
        house: settle(Use::Home, Some(home), interface)?,
        vpn: settle(Use::Vpn, None, interface % 6)?,
        mobile: settle(Use::Mobile, Some(office), interface)?,
        away: Vec::new(),
        begins: (8 - hours) * 60 + below(mix(key, 4), 90) as i64,
    };
    let away = atlas
        .used_as(Use::Travel, None)
        .into_iter()
        .map(|network| atlas.settle(network, interface % 8))
        .collect();
    Some(Desk { away, ..desk })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn everybody_has_names_and_ids_of_their_own() {
        let mut atlas = Atlas::read().expect("right");
        let staff = Staff::read(1, &mut atlas).expect("right");
        assert!(staff.people >= 60, "{} people", staff.people);
        let people = || staff.actors.iter().take(staff.people);
        for name in ["name", "email", "login", "unix"] {
            let attribute = Staff::attribute(name).expect("known");
            let different: BTreeSet<&str> = people().map(|it| it.text(attribute)).collect();
            assert_eq!(different.len(), staff.people, "{name}");
        }
        let houses: BTreeSet<usize> = people().filter_map(house).collect();
        assert!(
            houses.len() > staff.people * 3 / 4,
            "{} houses",
            houses.len()
        );
        let keys: BTreeSet<u64> = staff.actors.iter().map(|actor| actor.key).collect();
        assert_eq!(keys.len(), staff.actors.len());
    }

    fn house(actor: &Actor) -> Option<usize> {
        match &actor.home {
            Home::Person(desk) => Some(desk.house),
            Home::Machine { .. } => None,
        }
    }
}
