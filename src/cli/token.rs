//! `idtrail token`: tokens with which senders push events.

use audit::{credential::Grant, tenant::Tenant, token::Token};
use clap::{Args as ClapArgs, Subcommand};
use serde::Serialize;

use super::{Exit, Failure, Globals};
use crate::boot;

/// Make tokens for push ingest
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    New(New),
}

/// Make a token with which a sender pushes the events of one tenant
///
/// Prints the token, which is kept nowhere and cannot be shown again, and the line that
/// `http.ingest_tokens` of the settings needs to admit it: {"token","setting"}. Changes nothing.
#[derive(Debug, ClapArgs)]
pub(super) struct New {
    /// What to call whoever will have it, in settings and logs
    #[arg(long)]
    name: String,

    /// Whose events it pushes [default: `default_tenant` of the settings]
    #[arg(long, value_parser = Tenant::parse)]
    tenant: Option<Tenant>,
}

#[derive(Serialize)]
struct Made<'t> {
    token: &'t str,
    setting: String,
}

pub(super) fn run(command: &Command, globals: &Globals) -> Result<Exit, Failure> {
    let Command::New(new) = command;
    let settings = globals.start()?;
    let tenant = new.tenant.as_ref().unwrap_or(&settings.default_tenant);
    let token = Token::new(boot::secret());
    let setting = format!("{}:{tenant}:{}", new.name, token.hash());
    let grant = Grant::parse(&setting).map_err(Failure::usage)?;
    if settings.push.tokens.named(grant.name()).is_some() {
        return Err(Failure::usage(format!(
            "{} has a token already: choose another --name, and remove the old entry once nobody \
             uses it",
            grant.name()
        )));
    }
    let made = Made {
        token: token.reveal(),
        setting,
    };
    let text = format!(
        "token, for the sender, shown only now:\n  {}\nentry for http.ingest_tokens of the settings:\n  {}",
        made.token, made.setting
    );
    globals.output().print(&made, &text)?;
    Ok(Exit::Success)
}

#[cfg(test)]
mod tests {
    use audit::credential::Grants;

    use super::*;

    #[test]
    fn what_is_printed_is_what_the_settings_take() {
        let token = Token::new(boot::secret());
        let grant = Grant::parse(&format!("laptop:acme:{}", token.hash())).expect("valid");
        let grants = Grants::new([grant]).expect("one");
        let found = grants.of_token(&token).map(Grant::name);
        assert_eq!(found, Some("laptop"));
        assert_ne!(boot::secret(), boot::secret());
    }
}
