//! A running idtrail on a terminal: what `/metrics` and `/readyz` say, once a
//! second, as a person would want to see it.
//!
//! [`model`] makes numbers of two scrapes, [`watched`] keeps their course,
//! [`view`] draws them; all of these are pure. Here is what touches the world:
//! the terminal, its keys, and the clock. Whatever ends it, the terminal is left
//! as it was.

mod figures;
mod model;
mod pair;
mod palette;
mod reader;
mod screen;
mod view;
mod watched;

use std::{
    io::{self, IsTerminal as _},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ratatui::{
    buffer::Buffer,
    crossterm::{
        event::{self, Event},
        terminal,
    },
    layout::Rect,
};
use tokio::{
    sync::mpsc,
    task::{self, JoinHandle},
    time::sleep,
};

pub use self::{model::Model, palette::Palette, reader::Reader};
use self::{model::Scrape, screen::Screen};
use crate::client::ClientError;

/// How long a key may wait for the thread that reads them to see that it is to end.
const KEYS_EVERY: Duration = Duration::from_millis(100);

/// Of a snapshot that is printed, at most.
const SNAPSHOT_WIDTH: u16 = 100;

/// Shows the service until a key, or `stop`, ends it.
pub async fn show(
    reader: Reader,
    interval: Duration,
    palette: Palette,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut screen = Screen::new(reader.place().to_string(), palette);
    let mut terminal = ratatui::try_init()?;
    let _restore = Restore;
    let mut keys = Keys::listen();
    let (scrapes, mut scraped) = mpsc::channel(1);
    let scraping = task::spawn(scrape(reader, interval, scrapes));
    tokio::pin!(stop);
    loop {
        terminal.draw(|frame| view::draw(&screen, frame.area(), frame.buffer_mut()))?;
        tokio::select! {
            event = keys.events.recv() => match event {
                Some(Event::Key(key)) if screen.key(key) => break,
                // Such as another size: drawn anew.
                Some(_) => {}
                // Nobody can type any more.
                None => break,
            },
            Some(scrape) = scraped.recv() => screen.scraped(scrape),
            () = &mut stop => break,
        }
    }
    scraping.abort();
    keys.end().await;
    Ok(())
}

/// The terminal as it was, on every way out; after a panic, ratatui's own hook
/// has done it before the panic was told.
struct Restore;

impl Drop for Restore {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// Until nobody wants to know any more.
async fn scrape(
    mut reader: Reader,
    interval: Duration,
    scrapes: mpsc::Sender<Result<Scrape, String>>,
) {
    loop {
        let scraped = reader.scrape().await.map_err(|error| error.to_string());
        if scrapes.send(scraped).await.is_err() {
            return;
        }
        sleep(interval).await;
    }
}

/// What is typed, read by a thread of its own: a terminal cannot be awaited.
struct Keys {
    events: mpsc::Receiver<Event>,
    ended: Arc<AtomicBool>,
    reading: JoinHandle<io::Result<()>>,
}

impl Keys {
    fn listen() -> Keys {
        let (typed, events) = mpsc::channel(16);
        let ended = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ended);
        let reading = task::spawn_blocking(move || {
            while !seen.load(Ordering::Relaxed) {
                if event::poll(KEYS_EVERY)? && typed.blocking_send(event::read()?).is_err() {
                    break;
                }
            }
            Ok(())
        });
        Keys {
            events,
            ended,
            reading,
        }
    }

    /// What is typed from here on is the shell's again.
    async fn end(mut self) {
        self.ended.store(true, Ordering::Relaxed);
        self.events.close();
        // A terminal that is gone cannot be read: that ends it just as well.
        self.reading.await.ok();
    }
}

/// The numbers of one interval.
pub async fn once(mut reader: Reader, interval: Duration) -> Result<Snapshot, ClientError> {
    let mut screen = Screen::new(reader.place().to_string(), Palette { color: false });
    screen.watched.scraped(reader.scrape().await?);
    sleep(interval).await;
    screen.watched.scraped(reader.scrape().await?);
    Ok(Snapshot { screen })
}

/// What the screen would show.
#[derive(Debug)]
pub struct Snapshot {
    screen: Screen,
}

impl Snapshot {
    /// `None` if nothing was scraped twice.
    pub fn model(&self) -> Option<&Model> {
        self.screen.watched.model.as_ref()
    }

    /// As many rows as there is something on.
    pub fn text(&self) -> String {
        let height = self.model().map_or(1, view::rows);
        let terminal = terminal::size().ok().filter(|_| io::stdout().is_terminal());
        let width = terminal.map_or(SNAPSHOT_WIDTH, |(columns, _)| columns);
        let width = width.clamp(view::WIDTH_MIN, SNAPSHOT_WIDTH);
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        view::draw_numbers(&self.screen, area, &mut buffer);
        text_of(&buffer)
    }
}

/// The rows of a buffer, without what nobody sees at their ends.
fn text_of(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width.max(1));
    let rows = buffer.content().chunks(width).map(|cells| {
        let row: String = cells.iter().map(|cell| cell.symbol()).collect();
        row.trim_end().to_owned() + "\n"
    });
    rows.collect()
}
