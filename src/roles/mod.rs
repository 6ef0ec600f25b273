//! What the binary can be asked to do, one file a role. A further role is a file here, a variant, and a line in [`Role::run`].

mod migrate;
mod openapi;
mod serve;

use std::error::Error;

/// A role of the binary.
#[derive(Debug, clap::Subcommand)]
pub enum Role {
    /// Serve the API and do the background work.
    Serve(serve::Serve),
    /// Bring the database to the schema of this binary.
    Migrate,
    /// Print the description of the API.
    Openapi,
}

impl Role {
    /// Plays the role to its end. The error is for a person at a terminal.
    pub async fn run(self) -> Result<(), Box<dyn Error>> {
        match self {
            Self::Serve(serve) => serve.run().await,
            Self::Migrate => migrate::run().await,
            Self::Openapi => openapi::run(),
        }
    }
}
