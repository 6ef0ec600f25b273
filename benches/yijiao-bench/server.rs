//! The product as it is used: the release binary `yijiao serve` in a process of its own.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::client::Connection;
use crate::stage::{Outcome, Stage};

/// Longest wait for the start, and for the end.
const PATIENCE: Duration = Duration::from_secs(20);

/// Which half of it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    Both,
    Api,
    Work,
}

/// A running server; killed when dropped, so stop it properly with [`Server::stop`].
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    /// From the start of the process to its first "ready".
    pub ready_after: Duration,
}

impl Server {
    /// Without the platforms' own limits: what the product can do is asked, not what a robot takes in a minute.
    pub async fn start(stage: &Stage, half: Half) -> Outcome<Self> {
        Self::launch(stage, half, "false").await
    }

    /// With them, as in a county.
    pub async fn start_within_limits(stage: &Stage) -> Outcome<Self> {
        Self::launch(stage, Half::Both, "true").await
    }

    async fn launch(stage: &Stage, half: Half, throttle: &str) -> Outcome<Self> {
        let address = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
        let mut command = Command::new(&stage.binary);
        command.arg("serve");
        match half {
            Half::Both => {}
            Half::Api => drop(command.args(["--only", "api"])),
            Half::Work => drop(command.args(["--only", "work"])),
        }
        command
            .envs(stage.settings())
            .env("YIJIAO_HTTP__HOST", address.ip().to_string())
            .env("YIJIAO_NOTICES__THROTTLE", throttle)
            .env("YIJIAO_HTTP__PORT", address.port().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true);
        let started = Instant::now();
        let mut child = command.spawn().map_err(|error| format!("{}: {error}", stage.binary.display()))?;
        while !is_ready(address).await {
            if let Some(status) = child.try_wait()? {
                return Err(format!("the server did not start: {status}").into());
            }
            if started.elapsed() > PATIENCE {
                return Err("the server did not become ready".into());
            }
            sleep(Duration::from_millis(1)).await;
        }
        Ok(Self { child, address, ready_after: started.elapsed() })
    }

    /// A line of the kernel's account of the process in MB: `VmRSS` (now) or `VmHWM` (most so far); none where there is no /proc.
    #[must_use]
    pub fn memory(&self, line: &str) -> Option<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        let kilobytes = status.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':'))?;
        let kilobytes: u32 = kilobytes.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(f64::from(kilobytes) / 1024.0)
    }

    /// Seconds of processor time so far, where there is a /proc.
    #[must_use]
    pub fn cpu(&self) -> Option<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()?)).ok()?;
        let (_, fields) = stat.rsplit_once(')')?;
        let mut times = fields.split_whitespace().skip(11);
        let ticks: u32 = times.next()?.parse::<u32>().ok()? + times.next()?.parse::<u32>().ok()?;
        // The kernel counts in hundredths for everybody, whatever its own tick is.
        Some(f64::from(ticks) / 100.0)
    }

    /// Asks it to end, as an operator would, and waits for that.
    pub async fn stop(mut self) -> Outcome<()> {
        let Some(id) = self.child.id() else { return Err("the server had ended by itself".into()) };
        Command::new("kill").args(["-TERM", &id.to_string()]).status().await?;
        let Ok(status) = timeout(PATIENCE, self.child.wait()).await else {
            self.child.kill().await?;
            return Err("the server did not end when asked to".into());
        };
        if status?.success() { Ok(()) } else { Err("the server ended with a failure".into()) }
    }
}

async fn is_ready(address: SocketAddr) -> bool {
    let Ok(mut connection) = Connection::open(address).await else { return false };
    let answer = connection.exchange(b"GET /readyz HTTP/1.1\r\nHost: bench\r\n\r\n").await;
    answer.is_ok_and(|status| status == 200)
}
