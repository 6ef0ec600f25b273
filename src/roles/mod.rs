//! What the binary can be asked to do, one file a role. A further role is a file here, a variant, and a line in [`Role::run`].

mod check;
mod due;
mod import;
mod migrate;
mod openapi;
mod sandbox;
mod serve;
mod token;

use std::error::Error;

/// A role of the binary.
#[derive(Debug, clap::Subcommand)]
pub enum Role {
    /// Serve the API and do the background work.
    Serve(serve::Serve),
    /// Bring the database to the schema of this binary.
    Migrate,
    /// Load a county from its folder of tables.
    Import(import::Import),
    /// Print an access token for an existing account.
    Token(token::Account),
    /// Set the password of an existing account, read from standard input.
    Password(token::Account),
    /// Verify the ledger and what must always hold.
    Check,
    /// Say when something is due: lines `unit,n,start` on standard input, a due moment for each on standard output.
    Due(due::DueRole),
    /// Stand in for the chat platforms.
    Sandbox(sandbox::SandboxRole),
    /// Print the description of the API.
    Openapi,
}

impl Role {
    /// Plays the role to its end. The error is for a person at a terminal.
    pub async fn run(self) -> Result<(), Box<dyn Error>> {
        match self {
            Self::Serve(serve) => serve.run().await,
            Self::Migrate => migrate::run().await,
            Self::Import(import) => import.run().await,
            Self::Token(account) => account.token().await,
            Self::Password(account) => account.password().await,
            Self::Check => check::run().await,
            Self::Due(due) => due.run().await,
            Self::Sandbox(sandbox) => sandbox.run().await,
            Self::Openapi => openapi::run(),
        }
    }
}
