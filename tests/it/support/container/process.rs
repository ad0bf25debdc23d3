//! Every process the lab starts: counted, recorded, and certain to die with the lab.
//!
//! Three nets, because a test may return, panic, or be killed itself. Dropping the lab kills what
//! is alive and waits until it is dead. Each process asks the kernel for a KILL when its parent
//! *thread* ends, therefore all are started by one thread that never ends. A program that changed
//! its user has lost that wish; for these a watchdog reads our pipe and kills them at its end.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::process::{ChildStdin, Command as Blocking, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};
use tokio::sync::oneshot;

/// A process as it was started, for the tests that look for secrets.
#[derive(Clone, Debug)]
pub(crate) struct Started {
    /// `namespace/pod/container`.
    pub(crate) place: String,
    /// By exec, not as the container itself.
    pub(crate) by_exec: bool,
    pub(crate) argv: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
}

/// The processes of one lab; clones share them.
#[derive(Clone, Default)]
pub(crate) struct Processes(Arc<Mutex<Table>>);

#[derive(Default)]
struct Table {
    started: Vec<Started>,
    live: BTreeSet<u32>,
    closed: bool,
}

impl Processes {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn record(&self, started: Started) {
        self.table().started.push(started);
    }

    pub(crate) fn started(&self) -> Vec<Started> {
        self.table().started.clone()
    }

    /// A process to be killed at the end. After the end it is killed at once.
    pub(crate) fn enlist(&self, pid: u32) {
        watchdog(&format!("+ {pid}\n"));
        let mut table = self.table();
        table.live.insert(pid);
        if table.closed {
            signal("KILL", &[pid]);
        }
    }

    pub(crate) fn discharge(&self, pid: u32) {
        watchdog(&format!("- {pid}\n"));
        self.table().live.remove(&pid);
    }

    /// Does `work` before the end or not at all: what it writes, the end finds.
    pub(crate) fn before_the_end<T>(&self, work: impl FnOnce() -> T) -> Option<T> {
        let table = self.table();
        (!table.closed).then(work)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.table().closed
    }

    /// The end: nothing starts any more, and when this returns nothing is alive.
    pub(crate) fn end(&self) {
        let live: Vec<u32> = {
            let mut table = self.table();
            table.closed = true;
            std::mem::take(&mut table.live).into_iter().collect()
        };
        if live.is_empty() {
            return;
        }
        signal("KILL", &live);
        let patience = Instant::now() + Duration::from_secs(10);
        while live.iter().any(|pid| is_alive(*pid)) && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(1));
        }
        for pid in live {
            watchdog(&format!("- {pid}\n"));
        }
    }
}

/// Neither gone nor a zombie that waits for its parent.
pub(crate) fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().and_then(|rest| rest.trim().chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}

/// By the program, for want of a safe function in the standard library.
pub(crate) fn signal(name: &str, pids: &[u32]) {
    let pids = pids.iter().map(u32::to_string);
    let sent = Blocking::new("/bin/kill")
        .args(["-s", name, "--"])
        .args(pids)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    // That one of them is dead already is no failure; without a kill nothing would ever end.
    sent.expect("kill runs");
}

type Order = Box<dyn FnOnce() + Send>;

/// Does `work` on the thread that never ends, and to its end, even if nobody waits any more.
pub(super) async fn there<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    static THREAD: OnceLock<mpsc::Sender<Order>> = OnceLock::new();
    let thread = THREAD.get_or_init(|| {
        let (send, orders) = mpsc::channel::<Order>();
        std::thread::spawn(move || {
            for order in orders {
                // A lab that ends while it starts a process must not end the thread of the others.
                let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(order));
            }
        });
        send
    });
    let runtime = tokio::runtime::Handle::current();
    let (tell, told) = oneshot::channel();
    let order = move || {
        let _within = runtime.enter();
        // Nobody listens any more: what was started is dropped, and killed by that.
        let _ = tell.send(work());
    };
    thread.send(Box::new(order)).expect("the thread never ends");
    told.await.map_err(io::Error::other)
}

/// Starts a command as a child of the thread that never ends.
pub(crate) async fn spawn(mut command: Command) -> io::Result<Child> {
    there(move || command.kill_on_drop(true).spawn()).await?
}

/// Tells the watchdog of this test run; it outlives us by the time it takes to kill.
#[expect(clippy::zombie_processes, reason = "it ends after this process does")]
fn watchdog(line: &str) {
    static PIPE: OnceLock<Mutex<ChildStdin>> = OnceLock::new();
    let pipe = PIPE.get_or_init(|| {
        let script = r#"
            all=" "
            while read -r op pid; do
                case $op in
                    +) all="$all$pid " ;;
                    -) case $all in *" $pid "*) all="${all%% "$pid" *} ${all#* "$pid" }" ;; esac ;;
                esac
            done
            [ -z "${all# }" ] || kill -KILL $all"#;
        let mut child = Blocking::new("/usr/bin/setsid")
            .args(["/bin/sh", "-c", script])
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        Mutex::new(child.stdin.take().expect("it was piped"))
    });
    let mut pipe = pipe.lock().unwrap_or_else(PoisonError::into_inner);
    pipe.write_all(line.as_bytes()).expect("the watchdog reads to the end");
}
