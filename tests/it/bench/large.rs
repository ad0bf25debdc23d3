//! The engine on 3.4 million rows: the empty Dolibarr database that stands beside the project, filled by the script there.
use super::ROUNDS;
use super::engine::{THREE_REAL_TABLES, change, pg_dump, seconds};
use super::figures::{Figures, Target, heading, line};
use super::job::Job;
use crate::support::postgres::{PostgresServer, Production, SANDBOX};
use std::path::Path;

/// How many small companies fill it; 200 make a dump of 111 MB.
const SIZE: u32 = 200;
/// What a rehearsal does: a few hundred rows in the tables that grow most.
const FEW_ROWS: &str = "UPDATE llx_actioncomm SET label = label || '!' WHERE id % 3000 = 0;
    UPDATE llx_facture SET note_private = 'x' WHERE rowid % 1200 = 0; DELETE FROM llx_facturedet WHERE rowid % 3600 = 0";
/// A server as it is installed, but for what the lab needs.
const AS_INSTALLED: &[&str] = &["shared_buffers=128MB", "log_statement=none"];

pub(super) fn measure() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let Ok(fill) = std::fs::read_to_string(data.join("fill.sql")) else {
        println!("\nEngine, a large database: not measured, there is nothing to fill it with.");
        return;
    };
    let server = PostgresServer::with(&Production::Dump(data.join("dolibarr-empty.dump")), AS_INSTALLED);
    let fill = format!("SET ROLE erp_sandbox_role;\nSET search_path = public;\n\\set n {SIZE}\n{fill}\nANALYZE;\n");
    server.sql_file(SANDBOX.database, &fill);
    let [mut plain, mut taken, mut unchanged, mut few, mut told, mut many, mut next] =
        [(); 7].map(|()| Figures::default());
    let mut job = Job::new(&server);
    for _ in 0..ROUNDS {
        plain.add(seconds(|| pg_dump(&server)));
        taken.add(seconds(|| drop(job.checkpoint().succeeded())));
        unchanged.add(seconds(|| drop(job.restore().succeeded())));
        change(&server, FEW_ROWS);
        few.add(seconds(|| drop(job.restore().succeeded())));
        change(&server, THREE_REAL_TABLES);
        told.add(seconds(|| drop(job.diff().succeeded())));
        many.add(seconds(|| drop(job.restore().succeeded())));
        change(&server, FEW_ROWS);
        job.lend();
        next.add(seconds(|| drop(job.checkpoint().succeeded())));
    }
    heading("Engine, 3.4 million rows: the database's part alone");
    line("pg_dump -Fc", &plain, 2, "s", &Target::None);
    let target = Target::AtMost(1.2 * plain.median());
    line("a checkpoint (target 1.2 × pg_dump)", &taken, 2, "s", &target);
    line("another, 300 rows of 3 large tables later", &next, 2, "s", &target);
    line("a reset, nothing changed", &unchanged, 2, "s", &Target::None);
    line("a reset, 300 rows of 3 large tables changed", &few, 2, "s", &Target::AtMost(8.0));
    line("a reset, 42,000 rows of 3 large tables changed", &many, 2, "s", &Target::AtMost(8.0));
    line("a diff of these", &told, 2, "s", &Target::None);
}
