//! Permission as a type (law 6): a handler that takes one of these extractors runs only for whom it names.
//!
//! [`Caller`]: anybody signed in. [`Staff`]: an officer. [`As<R>`](As): whoever holds a role of `R`. [`Public`]: anybody at all,
//! said openly. The token is taken from `Authorization: Bearer` and from nowhere else.

use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::ops::Deref;
use std::task::Poll;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use super::caller::Caller;
use super::error::{IdentityCode, fault};
use super::model::{Role, RoleSet};
use crate::app::App;
use crate::organisation::OfficerId;
use crate::platform::http::caller::CallerAccount;
use crate::platform::http::problem::Problem;

impl FromRequest for Caller {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let app = req.app_data::<web::Data<App>>().cloned();
        let token = bearer(req);
        let req = req.clone();
        async move {
            let app = app.ok_or_else(|| fault("the route was mounted without its App"))?;
            let caller = verify(app, token?).await?;
            // For the access log.
            req.extensions_mut().insert(CallerAccount(caller.account.0));
            Ok(caller)
        }
        .boxed_local()
    }
}

/// A token whose key must be looked for is verified on its own: when the body is found unreadable meanwhile or the client goes away,
/// the look still ends, and its connection is not thrown away. Otherwise a stranger could break off one look after another.
async fn verify(app: web::Data<App>, token: String) -> Result<Caller, Problem> {
    let now = app.clock.now();
    let mut verifying = async move { app.keys.verify(&app.db, &token, now).await }.boxed_local();
    match futures_util::poll!(&mut verifying) {
        Poll::Ready(verified) => verified,
        Poll::Pending => actix_web::rt::spawn(verifying)
            .await
            .unwrap_or_else(|_| Err(fault("a token could not be verified"))),
    }
}

fn bearer(req: &HttpRequest) -> Result<String, IdentityCode> {
    let header = req.headers().get(AUTHORIZATION).ok_or(IdentityCode::TokenMissing)?;
    let (scheme, token) =
        header.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(IdentityCode::TokenInvalid)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(token.trim().to_owned())
    } else {
        Err(IdentityCode::TokenInvalid)
    }
}

/// An officer.
#[derive(Clone, Debug)]
pub struct Staff {
    pub caller: Caller,
    pub officer: OfficerId,
}

impl Deref for Staff {
    type Target = Caller;
    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl FromRequest for Staff {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = Caller::from_request(req, payload);
        async move {
            let caller = caller.await?;
            let officer = caller.officer.ok_or(IdentityCode::Forbidden)?;
            Ok(Self { caller, officer })
        }
        .boxed_local()
    }
}

/// Which roles open a door: one of them is enough.
pub trait Requires: 'static {
    const ANY_OF: RoleSet;
}

/// A caller who holds a role of `R`: `As<BusinessOffice>`, `As<(BusinessOffice, Inspectorate)>`.
#[derive(Clone, Debug)]
pub struct As<R> {
    pub caller: Caller,
    proof: PhantomData<R>,
}

impl<R> Deref for As<R> {
    type Target = Caller;
    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl<R: Requires> FromRequest for As<R> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = Caller::from_request(req, payload);
        async move {
            let caller = caller.await?;
            if caller.roles.meets(R::ANY_OF) {
                Ok(Self { caller, proof: PhantomData })
            } else {
                Err(IdentityCode::Forbidden.into())
            }
        }
        .boxed_local()
    }
}

macro_rules! role_markers {
    ($($role:ident),+ $(,)?) => { $(
        #[doc = concat!("Stands for [`Role::", stringify!($role), "`] in [`As`].")]
        #[derive(Clone, Copy, Debug)]
        pub enum $role {}

        impl Requires for $role {
            const ANY_OF: RoleSet = RoleSet::only(Role::$role);
        }
    )+ };
}

role_markers!(
    Officer,
    Dispatcher,
    Head,
    Deputy,
    BusinessOffice,
    Inspectorate,
    Discipline,
    CountyLeader,
    Enforcement,
    SpecialSupervisor,
    SystemAdmin,
    SecurityAdmin,
    AuditAdmin,
);

impl<A: Requires, B: Requires> Requires for (A, B) {
    const ANY_OF: RoleSet = A::ANY_OF.union(B::ANY_OF);
}

impl<A: Requires, B: Requires, C: Requires> Requires for (A, B, C) {
    const ANY_OF: RoleSet = A::ANY_OF.union(B::ANY_OF).union(C::ANY_OF);
}

/// Says in a handler's signature that anybody may call it.
#[derive(Clone, Copy, Debug)]
pub struct Public;

impl FromRequest for Public {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self))
    }
}
