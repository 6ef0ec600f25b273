//! TLS to the stores: whose certificates are believed, and how much one must prove.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// What a server's certificate must prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Nothing: whoever answers is believed; only listeners are kept out.
    Nothing,
    /// That an authority we know issued it, for whatever name.
    Authority,
    /// That an authority we know issued it for the name we called.
    Name,
}

/// The authorities we know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Roots {
    /// Those of the machine.
    System,
    /// Those of a PEM file, and no others.
    File(PathBuf),
}

/// Why no secure connection can be tried. Never holds more than a path.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("the file of certificates {0} cannot be read: {1}")]
    Unreadable(PathBuf, String),
    #[error("the file {0} holds no certificate in PEM form")]
    Empty(PathBuf),
    #[error("this machine has no trusted certificates (ca-certificates); name a file with sslrootcert")]
    NoSystemRoots,
    #[error(transparent)]
    Library(#[from] Error),
}

/// Makes the one provider of cryptography known to libraries that look for it. May be called any number of times.
pub fn provider() -> Arc<CryptoProvider> {
    // The only error is that somebody was first.
    let _ = aws_lc_rs::default_provider().install_default();
    match CryptoProvider::get_default() {
        Some(provider) => Arc::clone(provider),
        None => Arc::new(aws_lc_rs::default_provider()),
    }
}

/// How to speak TLS to a store.
///
/// # Errors
/// Certificates that cannot be read, or none where some are needed.
pub fn client(proof: Proof, roots: &Roots) -> Result<ClientConfig, TlsError> {
    let provider = provider();
    let builder =
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let known = match proof {
        Proof::Nothing => None,
        Proof::Authority | Proof::Name => Some(Arc::new(store(roots)?)),
    };
    let Some(known) = known else {
        let lenient = Lenient { strict: None, provider };
        return Ok(builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(lenient))
            .with_no_client_auth());
    };
    let strict = WebPkiServerVerifier::builder_with_provider(known, Arc::clone(&provider))
        .build()
        .map_err(|error| Error::General(error.to_string()))?;
    let builder = if proof == Proof::Name {
        builder.with_webpki_verifier(strict)
    } else {
        let lenient = Lenient { strict: Some(strict), provider };
        builder.dangerous().with_custom_certificate_verifier(Arc::new(lenient))
    };
    Ok(builder.with_no_client_auth())
}

/// The content of a file of certificates, of which at least one can be read.
///
/// # Errors
/// The file is missing or holds none.
pub fn pem(path: &Path) -> Result<Vec<u8>, TlsError> {
    let text =
        std::fs::read(path).map_err(|error| TlsError::Unreadable(path.to_owned(), error.to_string()))?;
    if certificates(path, &text)?.is_empty() {
        return Err(TlsError::Empty(path.to_owned()));
    }
    Ok(text)
}

fn certificates(path: &Path, text: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    CertificateDer::pem_slice_iter(text)
        .collect::<Result<_, _>>()
        .map_err(|error| TlsError::Unreadable(path.to_owned(), error.to_string()))
}

fn store(roots: &Roots) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    match roots {
        Roots::File(path) => {
            for certificate in certificates(path, &pem(path)?)? {
                store.add(certificate)?;
            }
        }
        Roots::System => {
            // A machine's collection may hold old oddities; what can be read counts.
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if store.is_empty() {
                return Err(TlsError::NoSystemRoots);
            }
        }
    }
    Ok(store)
}

/// Asks for less than rustls would: for a known authority only, or (without `strict`) for nothing. That the server holds the key of
/// the certificate it shows is checked all the same.
#[derive(Debug)]
struct Lenient {
    strict: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(strict) = &self.strict else { return Ok(ServerCertVerified::assertion()) };
        match strict.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The name is looked at last, when the chain has been found good.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
