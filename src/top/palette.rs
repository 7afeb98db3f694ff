//! How things look: what each colour means, and what stands in without colour.

use ratatui::style::{Color, Modifier, Style};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Palette {
    pub color: bool,
}

impl Palette {
    fn of(self, color: Color, otherwise: Modifier) -> Style {
        match self.color {
            true => Style::new().fg(color),
            false => Style::new().add_modifier(otherwise),
        }
    }

    pub(super) fn title(self) -> Style {
        match self.color {
            true => Style::new().fg(Color::Black).bg(Color::Cyan),
            false => Style::new().add_modifier(Modifier::REVERSED),
        }
    }

    /// Names of things; of columns too.
    pub(super) fn label(self) -> Style {
        self.of(Color::Cyan, Modifier::empty())
    }

    pub(super) fn quiet(self) -> Style {
        self.of(Color::DarkGray, Modifier::DIM)
    }

    pub(super) fn bar(self) -> Style {
        self.of(Color::Blue, Modifier::empty())
    }

    pub(super) fn good(self) -> Style {
        self.of(Color::Green, Modifier::empty())
    }

    pub(super) fn warning(self) -> Style {
        self.of(Color::Yellow, Modifier::BOLD)
    }

    pub(super) fn bad(self) -> Style {
        let bad = self.of(Color::Red, Modifier::REVERSED);
        bad.add_modifier(Modifier::BOLD)
    }

    /// Bad from `bad` on, a warning from `warning` on.
    pub(super) fn graded(self, value: Option<f64>, warning: f64, bad: f64) -> Style {
        match value {
            Some(value) if value >= bad => self.bad(),
            Some(value) if value >= warning => self.warning(),
            _ => Style::new(),
        }
    }
}
