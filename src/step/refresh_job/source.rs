//! What is read: production's database as the record knows it, or the sandbox's own.
use super::super::Context;
use crate::cli::Side;
use crate::jobs::Identity;
use crate::record::Server;

/// `None` where it is the sandbox that is read.
pub(super) fn production_host<'a>(cx: &Context<'a>) -> Option<&'a str> {
    match (&cx.found.database, &cx.found.backup) {
        (Some(found), _) => Some(&found.prod_host),
        (None, Some(found)) if cx.settings.wanted.side == Side::Prod => Some(&found.host),
        _ => None,
    }
}

pub(super) fn server(source: &Identity, host: &str) -> Server {
    Server {
        host: host.to_owned(),
        system_identifier: source.system_identifier.clone(),
        address: source.address.clone(),
        port: source.port,
        database: source.database.clone(),
        database_oid: source.database_oid,
        owners: Vec::new(),
    }
}
