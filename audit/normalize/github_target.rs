//! What a GitHub action acted on.
//!
//! An action is `category.verb`. The category says what kind of thing is acted
//! on (`team.create`, `hook.destroy`); verbs about members, and categories about
//! people, act on the user. Where the event does not name that thing, the
//! nearest one that it names: repository, user, team, app, organisation,
//! enterprise. A user who acts on their own account is their own target.

use super::text::word;
use crate::row::{Target, Text};

/// Name and id.
type Subject<'a> = (Text<'a>, Text<'a>);

/// All that an event names.
pub(super) struct Subjects<'a> {
    pub(super) actor: Text<'a>,
    pub(super) repo: Subject<'a>,
    pub(super) org: Subject<'a>,
    pub(super) user: Subject<'a>,
    pub(super) team: Subject<'a>,
    pub(super) hook: Subject<'a>,
    pub(super) app: Subject<'a>,
    pub(super) token: Subject<'a>,
    pub(super) business: Subject<'a>,
    /// Of whatever the category is about.
    pub(super) name: Text<'a>,
}

pub(super) fn target<'a>(action: &str, subjects: Subjects<'a>) -> Target<'a> {
    let (category, verb) = action.split_once('.').unwrap_or((action, ""));
    let Subjects {
        actor,
        repo,
        org,
        user,
        team,
        hook,
        app,
        token,
        business,
        name,
    } = subjects;
    let named = |id: Text<'a>| (name.clone(), id);
    let about_member = || {
        let words = ["member", "user", "moderator", "collaborator"];
        words.iter().any(|word| verb.contains(word))
    };
    let first: (&'static str, Subject<'a>) = match category {
        "team" | "org" | "repo" | "business" | "organization_moderators" if about_member() => {
            ("user", user.clone())
        }
        "team" => ("team", or_name(&team, &name)),
        "org" => ("org", org.clone()),
        "business" => ("business", business.clone()),
        "repo" | "git" | "repository_visibility_change" => ("repo", repo.clone()),
        "hook" => ("hook", or_name(&hook, &name)),
        "integration_installation" | "integration" => ("integration", or_name(&app, &name)),
        "oauth_application" | "oauth_access" | "oauth_authorization" => {
            ("oauth_application", or_name(&app, &name))
        }
        "personal_access_token" => ("personal_access_token", token),
        "protected_branch" => ("protected_branch", named(None)),
        "workflows" => ("workflow", named(None)),
        "environment" => ("environment", named(None)),
        "user" | "two_factor_authentication" => ("user", or_name(&user, &actor)),
        _ => ("", (None, None)),
    };
    let nearest = [
        first,
        ("repo", repo),
        ("user", user),
        ("team", team),
        ("integration", app),
        ("hook", hook),
        ("org", org),
        ("business", business),
    ];
    let found = nearest
        .into_iter()
        .find(|(_, (name, id))| name.is_some() || id.is_some());
    match found {
        Some((kind, (name, id))) => Target {
            resource: name.or_else(|| id.clone()),
            kind: word(kind),
            location: None,
            id,
        },
        None => Target::default(),
    }
}

fn or_name<'a>((name, id): &Subject<'a>, other: &Text<'a>) -> Subject<'a> {
    (name.clone().or_else(|| other.clone()), id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(action: &str, expected: (&str, &str)) {
        let text = |text: &'static str| -> Text<'static> { word(text) };
        let subjects = Subjects {
            actor: text("ada"),
            repo: (text("acme/shop"), text("11")),
            org: (text("acme"), text("12")),
            user: (text("bob"), text("13")),
            team: (text("acme/ops"), None),
            hook: (text("https://hooks.example.com"), text("14")),
            app: (text("deployer"), text("15")),
            token: (text("nightly"), text("16")),
            business: (text("acme-inc"), text("17")),
            name: text("named"),
        };
        let target = target(action, subjects);
        let shown = (
            target.kind.as_deref().unwrap_or_default(),
            target.resource.as_deref().unwrap_or_default(),
        );
        assert_eq!(shown, expected, "{action}");
    }

    #[test]
    fn the_category_names_the_target() {
        for (action, expected) in [
            ("repo.create", ("repo", "acme/shop")),
            ("repo.add_member", ("user", "bob")),
            ("git.clone", ("repo", "acme/shop")),
            ("org.add_member", ("user", "bob")),
            ("org.block_user", ("user", "bob")),
            ("org.update_default_repository_permission", ("org", "acme")),
            ("team.create", ("team", "acme/ops")),
            ("team.add_repository", ("team", "acme/ops")),
            ("hook.create", ("hook", "https://hooks.example.com")),
            (
                "integration_installation.create",
                ("integration", "deployer"),
            ),
            (
                "oauth_application.create",
                ("oauth_application", "deployer"),
            ),
            (
                "personal_access_token.access_granted",
                ("personal_access_token", "nightly"),
            ),
            ("protected_branch.destroy", ("protected_branch", "named")),
            ("workflows.completed_workflow_run", ("workflow", "named")),
            ("business.set_actions_permissions", ("business", "acme-inc")),
            ("user.login", ("user", "bob")),
            ("secret_scanning_alert.create", ("repo", "acme/shop")),
            ("public_key.create", ("repo", "acme/shop")),
            ("", ("repo", "acme/shop")),
        ] {
            check(action, expected);
        }
    }
}
