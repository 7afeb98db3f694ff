//! `idtrail journal salvage`: what a damaged journal holds and the lake does not.

use crate::{
    cli::{Exit, Failure, Globals},
    history,
    salvage::{self, Salvaged},
    settings::Settings,
};

pub(super) async fn salvage(settings: &Settings, globals: &Globals) -> Result<Exit, Failure> {
    if !settings.trust_attributes {
        return Err(Failure::usage(
            "salvaged events name their tenant as an attribute, and `trust_attributes` is false: \
             set it to true, here and for `run`, until they are stored",
        ));
    }
    let ports = history::ports(settings).await?;
    let salvaged = salvage::salvage(&ports, settings, globals.quiet()).await;
    let salvaged = salvaged.map_err(Failure::outside)?;
    globals.output().print(&salvaged, &text(&salvaged))?;
    Ok(Exit::Success)
}

fn text(salvaged: &Salvaged) -> String {
    let Salvaged {
        objects,
        events,
        messages,
        unreadable,
        rows_lost,
    } = salvaged;
    let mut text = format!(
        "events in no file, sent again {events}, messages {messages}; journal objects read {objects}"
    );
    if !unreadable.is_empty() {
        let slots: Vec<String> = unreadable.iter().map(u64::to_string).collect();
        text += &format!(
            "\nslots that cannot be read, what they held is in files or lost: {}",
            slots.join(", ")
        );
    }
    if *rows_lost > 0 {
        text += &format!("\n{rows_lost} rows of readable objects cannot be read, and are lost");
    }
    text
}
