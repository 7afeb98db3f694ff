//! What the screen is drawn from: the service that is watched, and what the
//! person who watches has chosen.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::{
    model::{Actor, Scrape},
    palette::Palette,
    watched::Watched,
};

#[derive(Debug)]
pub(super) struct Screen {
    pub watched: Watched,
    /// Where the service answers, as it is shown.
    pub place: String,
    pub palette: Palette,
    pub sort: Sort,
    /// The numbers stay as they are.
    pub paused: bool,
    pub help: bool,
}

/// The columns of the table of actors; that by which it is sorted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sort {
    Actor,
    Mailbox,
    Blocked,
    Handled,
    Cpu,
    Restarts,
}

impl Sort {
    /// In the order of the columns.
    pub(super) const ALL: [Sort; 6] = [
        Sort::Actor,
        Sort::Mailbox,
        Sort::Blocked,
        Sort::Handled,
        Sort::Cpu,
        Sort::Restarts,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Sort::Actor => "actor",
            Sort::Mailbox => "mailbox",
            Sort::Blocked => "blocked",
            Sort::Handled => "handled/s",
            Sort::Cpu => "cpu",
            Sort::Restarts => "restarts",
        }
    }

    fn next(self) -> Sort {
        let at = Sort::ALL.iter().position(|sort| *sort == self);
        at.map_or(Sort::Actor, |at| Sort::ALL[(at + 1) % Sort::ALL.len()])
    }

    /// Names from A, numbers from the largest; equals stay in the order of names.
    pub(super) fn apply(self, actors: &mut [&Actor]) {
        let number = |actor: &Actor| match self {
            Sort::Actor => None,
            Sort::Mailbox => actor
                .mailbox_fill
                .zip(actor.mailbox_slots)
                .map(|(a, b)| a / b),
            Sort::Blocked => actor.blocked,
            Sort::Handled => actor.handled_per_sec,
            Sort::Cpu => actor.cpu,
            Sort::Restarts => Some(actor.restarts),
        };
        actors.sort_by(|a, b| {
            let [a_number, b_number] = [a, b].map(|actor| number(actor).unwrap_or(-1.0));
            b_number
                .total_cmp(&a_number)
                .then_with(|| a.actor.cmp(&b.actor))
        });
    }
}

impl Screen {
    pub(super) fn new(place: String, palette: Palette) -> Screen {
        Screen {
            watched: Watched::default(),
            place,
            palette,
            sort: Sort::Actor,
            paused: false,
            help: false,
        }
    }

    /// Does what a key asks for; true where it asks to quit.
    pub(super) fn key(&mut self, key: KeyEvent) -> bool {
        if key.kind == KeyEventKind::Release {
            return false;
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if control => return true,
            KeyCode::Char('?') => self.help = !self.help,
            // What lies above goes first.
            KeyCode::Esc if self.help => self.help = false,
            KeyCode::Char('q') | KeyCode::Esc => return true,
            KeyCode::Char('p') => self.paused = !self.paused,
            KeyCode::Char('s') => self.sort = self.sort.next(),
            _ => {}
        }
        false
    }

    /// Takes what came of a scrape, unless nothing is to change.
    pub(super) fn scraped(&mut self, scraped: Result<Scrape, String>) {
        match scraped {
            _ if self.paused => {}
            Ok(scrape) => self.watched.scraped(scrape),
            Err(why) => self.watched.failed(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(screen: &mut Screen, code: KeyCode) -> bool {
        screen.key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    fn screen() -> Screen {
        Screen::new("http://127.0.0.1:8080".to_owned(), Palette { color: false })
    }

    #[test]
    fn keys_do_what_the_last_row_says() {
        let mut screen = screen();
        assert!(!press(&mut screen, KeyCode::Char('p')) && screen.paused);
        screen.scraped(Err("gone".to_owned()));
        assert_eq!(screen.watched.trouble, None, "paused");
        assert!(!press(&mut screen, KeyCode::Char('p')) && !screen.paused);
        screen.scraped(Err("gone".to_owned()));
        assert_eq!(screen.watched.trouble.as_deref(), Some("gone"));
        assert!(!press(&mut screen, KeyCode::Char('?')) && screen.help);
        assert!(!press(&mut screen, KeyCode::Esc) && !screen.help);
        for _ in Sort::ALL {
            press(&mut screen, KeyCode::Char('s'));
        }
        assert_eq!(screen.sort, Sort::Actor, "once around");
        let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert!(screen.key(control_c));
        for code in [KeyCode::Esc, KeyCode::Char('q')] {
            assert!(press(&mut screen, code));
        }
        for code in [KeyCode::Char('c'), KeyCode::Enter, KeyCode::Up] {
            assert!(!press(&mut screen, code));
        }
    }

    #[test]
    fn the_largest_number_comes_first_and_the_unknown_last() {
        let actor = |name: &str, cpu| Actor {
            actor: name.to_owned(),
            cpu,
            ..Actor::default()
        };
        let actors = [
            actor("a", Some(0.0)),
            actor("b", None),
            actor("c", Some(2.0)),
            actor("d", Some(0.0)),
        ];
        for (sort, expected) in [
            (Sort::Cpu, "cadb"),
            (Sort::Actor, "abcd"),
            (Sort::Blocked, "abcd"),
        ] {
            let mut rows: Vec<&Actor> = actors.iter().rev().collect();
            sort.apply(&mut rows);
            let order: String = rows.iter().map(|row| row.actor.as_str()).collect();
            assert_eq!(order, expected, "{sort:?}");
        }
    }
}
