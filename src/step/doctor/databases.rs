//! What both databases have told, judged.
mod refused;
#[cfg(test)]
mod tests;

use super::{Finding, State};
use crate::jobs::{Event, Facts, Identity};
use crate::report::size;
use refused::{Refused, refusals};

/// Fewer sessions than these are soon used up by something else.
const FEW: i64 = 5;

/// Of the Job's two containers.
pub(super) fn findings(source: &[Event], target: &[Event]) -> Vec<Finding> {
    let (production, sandbox) = (facts(source), facts(target));
    let refused = refusals(source.iter().chain(target));
    let mut all = Vec::new();
    if let (Some(production), Some(sandbox)) = (production, sandbox) {
        all.extend(versions(production, sandbox).filter(|_| !refused.has(12)));
        all.extend(identity(production, sandbox).filter(|_| !refused.has(21) && !refused.has(34)));
    }
    all.extend(production.and_then(|facts| production_login(facts, source, &refused)));
    all.extend(sandbox.map(sandbox_login).filter(|_| !refused.has(22) && !refused.has(26)));
    all.extend(refused.findings());
    if target.contains(&Event::Checked) {
        all.push(Finding::ok("restore", "owners, extensions and the server's lock table are as a restore needs them"));
    }
    all.extend(sandbox.map(sessions));
    if sandbox.is_some() && !refused.has(28) && !refused.has(30) {
        all.push(Finding::ok("locks", "nobody has held locks in the sandbox for long"));
    }
    all.extend(production.map(|facts| room(facts, "production", State::Failed)));
    all.extend(sandbox.map(|facts| room(facts, "the sandbox", State::Warning)));
    let free = target.iter().find_map(|event| match event {
        Event::Scratch { free_kilobytes } => Some(free_kilobytes * 1024),
        _ => None,
    });
    all.extend(sizes(production, sandbox, free));
    all
}

fn facts(events: &[Event]) -> Option<&Facts> {
    events.iter().find_map(|event| match event {
        Event::Examined(facts) => Some(facts.as_ref()),
        _ => None,
    })
}

fn major(identity: &Identity) -> u32 {
    identity.server_version_num / 10000
}

fn versions(production: &Facts, sandbox: &Facts) -> Option<Finding> {
    let (from, to, client) = (&production.identity, &sandbox.identity, sandbox.client_major);
    let says = format!("production {}, sandbox {}, client {client}", from.server, to.server);
    Some(if major(to) < major(from) {
        let says = format!("{says}: what only the newer server knows cannot be restored into the older one");
        Finding::warning("versions", says).fix(format!("a server of version {} for the sandbox", major(from)))
    } else if client < major(to) {
        let says = format!("{says}: a client that is older than the sandbox's server takes no checkpoint");
        Finding::warning("versions", says).fix(format!("--pg-image docker.io/library/postgres:{}", major(to)))
    } else {
        Finding::ok("versions", says)
    })
}

/// Told only where the server itself was asked, and found them two.
fn identity(production: &Facts, sandbox: &Facts) -> Option<Finding> {
    let place = |identity: &Identity| {
        let port = identity.port.map_or(String::new(), |port| format!(" port {port}"));
        let server = identity.system_identifier.as_ref().map_or(String::new(), |id| format!(", server {id}"));
        format!("{} at {}{port}{server}", identity.database, identity.address.as_deref().unwrap_or("a local socket"))
    };
    let (from, to) = (place(&production.identity), place(&sandbox.identity));
    Some(Finding::ok("identity", format!("production is {from}; the sandbox is {to}: not the same")))
}

fn login(facts: &Facts) -> String {
    let powers = if facts.powers.is_empty() { "no power of its own".to_owned() } else { facts.powers.join(", ") };
    let member = match facts.memberships.as_slice() {
        [] => "a member of no role".to_owned(),
        roles => format!("a member of {}", roles.join(", ")),
    };
    let Identity { role, database, .. } = &facts.identity;
    format!("{role}: {powers}, {member}; {database} belongs to {}", facts.owner)
}

fn production_login(facts: &Facts, source: &[Event], refused: &Refused) -> Option<Finding> {
    let ways = source.iter().find_map(|event| match event {
        Event::Writable { ways } => Some(ways),
        _ => None,
    })?;
    let login = login(facts);
    match ways.as_slice() {
        [] => Some(Finding::ok("login", format!("production's {login}; it may only read"))),
        _ if refused.has(17) => None,
        ways => {
            let says = format!("production's {login}; it could write, if its session let it: {}", ways.join("; "));
            Some(Finding::warning("login", says).fix(
                "`sandbox-lifecycle manifests vault` makes a login that may only read, and --require-read-only-role then insists on it",
            ))
        }
    }
}

fn sandbox_login(facts: &Facts) -> Finding {
    Finding::ok("login", format!("the sandbox's {}", login(facts)))
}

fn sessions(facts: &Facts) -> Finding {
    let total: u64 = facts.sessions.iter().map(|alike| alike.count).sum();
    let alike = facts.sessions.iter().map(|alike| {
        let application = if alike.application.is_empty() { "without a name" } else { &alike.application };
        format!("{} {application} of {}", alike.count, alike.login)
    });
    let says = match total {
        0 => "nobody else is connected to the sandbox".to_owned(),
        _ => format!("{total} connected to the sandbox: {}", alike.collect::<Vec<_>>().join(", ")),
    };
    let stay = facts.sessions.iter().filter(|alike| !alike.may_be_ended);
    let stay: Vec<&str> = stay.map(|alike| alike.login.as_str()).collect();
    if stay.is_empty() {
        return Finding::ok("sessions", says);
    }
    let says = format!(
        "{says}; {} may not end those of {}, and a refresh that finds them is refused",
        facts.identity.role,
        stay.join(", ")
    );
    Finding::warning("sessions", says).fix("disconnect them before the run")
}

/// The tightest bound. A run has two sessions at a time, and the one that looked is counted already.
fn room(facts: &Facts, whose: &str, without: State) -> Finding {
    let Some(tightest) = facts.room.iter().min_by_key(|room| room.left) else {
        return Finding::warning("connections", format!("{whose}: how many there may be is not known"));
    };
    let says = format!(
        "{whose} has room for {} more sessions, by the {}'s limit of {}",
        tightest.left, tightest.of, tightest.most
    );
    let fix = match tightest.of.as_str() {
        "login" => format!("end some, or ALTER ROLE {} CONNECTION LIMIT", facts.identity.role),
        "database" => format!("end some, or ALTER DATABASE {} CONNECTION LIMIT", facts.identity.database),
        _ => "end some, or raise max_connections and restart the server".to_owned(),
    };
    match tightest.left {
        ..1 => Finding::new("connections", without, says).fix(fix),
        1..FEW => Finding::warning("connections", says).fix(fix),
        _ => Finding::ok("connections", says),
    }
}

/// A dump is compressed and has no indexes, so it is smaller than its database.
fn sizes(production: Option<&Facts>, sandbox: Option<&Facts>, free: Option<u64>) -> Option<Finding> {
    let told = |facts: Option<&Facts>| facts.map_or("unknown".to_owned(), |facts| size(facts.bytes));
    let free = free?;
    let says = format!(
        "production {}, sandbox {}; {} free for the dump on the Job's volume",
        told(production),
        told(sandbox),
        size(free)
    );
    Some(match production {
        Some(production) if free < production.bytes => Finding::warning("sizes", says)
            .fix("room on the nodes for emptyDir volumes (ephemeral storage), unless the dump is far smaller"),
        _ => Finding::ok("sizes", says),
    })
}
