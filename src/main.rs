//! The binary: one role of [`yijiao::roles`].

use std::process::ExitCode;

use clap::Parser;
use yijiao::roles::Role;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// 一叫就到: one tap, and the responsible officer is called, comes and solves it.
#[derive(Parser)]
#[command(version)]
struct Command {
    #[command(subcommand)]
    role: Role,
}

// Migrations need the multi-threaded runtime.
#[tokio::main]
async fn main() -> ExitCode {
    match Command::parse().role.run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("yijiao: {error}");
            ExitCode::FAILURE
        }
    }
}
