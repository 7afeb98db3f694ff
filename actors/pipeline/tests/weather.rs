//! How an outside thing answers, told by the test.

use std::time::Duration;

use tokio::sync::watch;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Weather {
    Fair,
    /// Refuses every call.
    Down,
    /// Takes nothing more; what is there can be read.
    Full,
    /// Answers nothing until the weather is another; then the call is done.
    Hung,
    /// Each call takes so long.
    Slow(Duration),
    /// Does what it is asked and reports a failure.
    AnswerLost,
    /// Reports a failure, and does it so much later.
    Late(Duration),
}

/// What becomes of one call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    Done,
    Refused,
    NotTaken,
    DoneUnanswered,
    DoneLater(Duration),
}

#[derive(Debug)]
pub(super) struct Sky(watch::Sender<Weather>);

impl Sky {
    pub(super) fn new() -> Sky {
        Sky(watch::Sender::new(Weather::Fair))
    }

    pub(super) fn set(&self, weather: Weather) {
        self.0.send_replace(weather);
    }

    /// Takes as long as the call does.
    pub(super) async fn pass(&self) -> Fate {
        let mut news = self.0.subscribe();
        loop {
            let weather = *news.borrow_and_update();
            match weather {
                Weather::Fair => return Fate::Done,
                Weather::Down => return Fate::Refused,
                Weather::Full => return Fate::NotTaken,
                Weather::Slow(pause) => {
                    tokio::time::sleep(pause).await;
                    return Fate::Done;
                }
                Weather::AnswerLost => return Fate::DoneUnanswered,
                Weather::Late(pause) => return Fate::DoneLater(pause),
                Weather::Hung => news.changed().await.expect("it is borrowed"),
            }
        }
    }
}
