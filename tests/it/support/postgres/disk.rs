//! A disk of its own for the sandbox's database, small enough to be filled.
use super::{PostgresServer, SANDBOX};

impl PostgresServer {
    /// Restarts with such a disk and moves the database there. It is lost with the next restart.
    pub(crate) fn on_small_disk(&mut self, bytes: u64, settings: &[&str]) {
        std::fs::create_dir(self.disk()).expect("a directory of the server's own");
        self.disk_bytes = Some(bytes);
        self.restart(settings);
        // The server wants it for its own; what is mounted is not.
        let space = format!("{}/space", self.disk());
        self.in_server(&format!("mkdir {space}"));
        self.sql("postgres", &format!("CREATE TABLESPACE disk LOCATION '{space}'"));
        self.sql("postgres", &format!("ALTER DATABASE \"{}\" SET TABLESPACE disk", SANDBOX.database));
    }

    /// Bytes that are free there.
    pub(crate) fn disk_free(&self) -> u64 {
        let free = format!("df -B1 --output=avail {} | tail -n 1 | tr -d ' '", self.disk());
        let asked = format!("CREATE TEMP TABLE free (bytes bigint); COPY free FROM PROGRAM '{}'", quoted(&free));
        self.sql("postgres", &format!("{asked}; SELECT bytes FROM free")).parse().expect("a number")
    }

    /// Leaves so many bytes free.
    pub(crate) fn fill_disk(&self, free: u64) {
        self.clear_disk();
        let ballast = self.disk_free().saturating_sub(free);
        self.in_server(&format!("head -c {ballast} /dev/zero >{}/ballast", self.disk()));
    }

    pub(crate) fn clear_disk(&self) {
        self.in_server(&format!("rm -f {}/ballast", self.disk()));
        // What was rolled back leaves its files until then.
        self.sql("postgres", "CHECKPOINT");
    }

    /// Only the server sees what is mounted for it. What it writes is read first: a command that ends without that breaks its pipe.
    fn in_server(&self, command: &str) {
        let command = format!("cat >/dev/null; {command}");
        self.sql("postgres", &format!("COPY (SELECT) TO PROGRAM '{}'", quoted(&command)));
    }

    fn disk(&self) -> String {
        self.directory.path().join("disk").display().to_string()
    }
}

fn quoted(text: &str) -> String {
    text.replace('\'', "''")
}
