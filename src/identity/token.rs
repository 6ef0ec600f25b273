//! Access tokens: EdDSA-signed JWTs (RFC 7519), verified against our own clock.

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::caller::Caller;
use super::error::IdentityCode;
use super::model::{AccountId, RoleSet, SessionId};
use crate::organisation::{CountyId, DepartmentId, OfficerId};

const ISSUER: &str = "yijiao";

/// Longer tokens are refused unread; ours have about 700 characters.
const MAX_LENGTH: usize = 4096;

/// Seconds by which the clocks of two replicas may differ.
const SKEW: i64 = 60;

/// The content of an access token. Times are seconds since the epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    /// Account.
    pub sub: AccountId,
    /// County.
    pub cty: CountyId,
    /// Session.
    pub sid: SessionId,
    /// Officer, if the account is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off: Option<OfficerId>,
    /// The officer's department.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dep: Option<DepartmentId>,
    /// Name.
    pub nam: String,
    /// Roles.
    pub rol: RoleSet,
    pub iat: i64,
    pub exp: i64,
    pub jti: Uuid,
}

impl Claims {
    /// The claims of `caller` for a token that lives for `life` from `now`.
    #[must_use]
    pub fn of(caller: &Caller, now: DateTime<Utc>, life: TimeDelta) -> Self {
        Self {
            iss: ISSUER.to_owned(),
            sub: caller.account,
            cty: caller.county,
            sid: caller.session,
            off: caller.officer,
            dep: caller.department,
            nam: caller.name.as_ref().to_owned(),
            rol: caller.roles,
            iat: now.timestamp(),
            exp: (now + life).timestamp(),
            jti: Uuid::new_v4(),
        }
    }

    #[must_use]
    pub fn caller(self) -> Caller {
        Caller {
            account: self.sub,
            county: self.cty,
            session: self.sid,
            officer: self.off,
            department: self.dep,
            name: self.nam.into(),
            roles: self.rol,
        }
    }
}

/// Signs `claims` with the key called `kid`.
pub(super) fn sign(
    claims: &Claims,
    kid: &str,
    key: &EncodingKey,
) -> Result<String, jsonwebtoken::errors::Error> {
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some(kid.to_owned());
    jsonwebtoken::encode(&header, claims, key)
}

/// The `kid` a token names. Anything but EdDSA is refused here, whatever key it names.
pub(super) fn kid(token: &str) -> Result<String, IdentityCode> {
    if token.len() > MAX_LENGTH {
        return Err(IdentityCode::TokenInvalid);
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| IdentityCode::TokenInvalid)?;
    match (header.alg, header.kid) {
        (Algorithm::EdDSA, Some(kid)) => Ok(kid),
        _ => Err(IdentityCode::TokenInvalid),
    }
}

/// Verifies signature, issuer and times (`exp` without grace, `iat` with a minute for the clocks of replicas).
pub(super) fn read(token: &str, key: &DecodingKey, now: DateTime<Utc>) -> Result<Claims, IdentityCode> {
    let mut validation = Validation::new(Algorithm::EdDSA);
    // The library compares with the machine's clock; we have one of our own.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.set_required_spec_claims(&["exp", "iss", "sub"]);
    validation.set_issuer(&[ISSUER]);
    let claims = jsonwebtoken::decode::<Claims>(token, key, &validation)
        .map_err(|_| IdentityCode::TokenInvalid)?
        .claims;
    if claims.iat > now.timestamp().saturating_add(SKEW) {
        return Err(IdentityCode::TokenInvalid);
    }
    if claims.exp <= now.timestamp() {
        return Err(IdentityCode::TokenExpired);
    }
    Ok(claims)
}
