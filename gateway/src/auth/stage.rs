//! Authenticates and authorises one request.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};

use super::cache::TokenCache;
use super::compiled::{Issuer, Policy, Verified};
use super::token::{TokenError, Unverified};

/// Why a request does not get in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// There is no token.
    #[error("this needs a token")]
    NoToken,
    /// There is a bad one.
    #[error("{0}")]
    BadToken(#[from] TokenError),
    /// A good one that lacks this scope.
    #[error("this needs the scope {0:?}")]
    Scope(String),
    /// A good one of somebody in none of the route's groups.
    #[error("this is for other groups")]
    Group,
}

/// Who is calling: `None` is nobody in particular, where the route allows that.
pub async fn authenticate(
    policy: &Policy,
    fields: &HeaderMap,
    cache: &RefCell<TokenCache>,
    unix: Duration,
) -> Result<Option<Rc<Verified>>, Denied> {
    let Policy::Tokens {
        issuers, optional, ..
    } = policy
    else {
        return Ok(None);
    };
    let Some(token) = token(fields)? else {
        return if *optional {
            Ok(None)
        } else {
            Err(Denied::NoToken)
        };
    };
    let known = cache.borrow_mut().get(token, unix);
    if let Some(verified) = known.filter(|verified| is_among(issuers, &verified.issuer)) {
        return Ok(Some(verified));
    }
    let verified = Rc::new(verify(issuers, token, unix).await?);
    cache.borrow_mut().insert(token, Rc::clone(&verified));
    Ok(Some(verified))
}

/// Whether the caller may use the route.
pub fn authorise(policy: &Policy, caller: Option<&Verified>) -> Result<(), Denied> {
    let Policy::Tokens { scopes, groups, .. } = policy else {
        return Ok(());
    };
    if scopes.is_empty() && groups.is_empty() {
        return Ok(());
    }
    let principal = &caller.ok_or(Denied::NoToken)?.principal;
    if let Some(lacking) = scopes
        .iter()
        .find(|scope| !principal.scopes.contains(scope))
    {
        return Err(Denied::Scope(lacking.clone()));
    }
    let member = groups.is_empty() || groups.iter().any(|group| principal.groups.contains(group));
    if member { Ok(()) } else { Err(Denied::Group) }
}

fn is_among(issuers: &[Arc<Issuer>], issuer: &Arc<Issuer>) -> bool {
    issuers.iter().any(|accepted| Arc::ptr_eq(accepted, issuer))
}

/// The bearer token (RFC 6750, section 2.1). Another scheme is no token of ours.
fn token(fields: &HeaderMap) -> Result<Option<&str>, TokenError> {
    let mut given = fields.get_all(AUTHORIZATION).iter();
    let Some(first) = given.next() else {
        return Ok(None);
    };
    if given.next().is_some() {
        return Err(TokenError::Duplicate);
    }
    Ok(bearer(first)?.map(str::trim))
}

fn bearer(value: &HeaderValue) -> Result<Option<&str>, TokenError> {
    let text = value.to_str().map_err(|_| TokenError::NotAToken)?;
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    Ok(scheme.eq_ignore_ascii_case("bearer").then_some(token))
}

async fn verify(
    issuers: &[Arc<Issuer>],
    token: &str,
    unix: Duration,
) -> Result<Verified, TokenError> {
    let longest = issuers
        .iter()
        .map(|issuer| issuer.config.max_token)
        .max()
        .unwrap_or(0);
    if token.len() > longest {
        return Err(TokenError::TooLong);
    }
    let unverified = Unverified::read(token)?;
    let issuer = issuers
        .iter()
        .find(|issuer| unverified.issuer() == Some(&issuer.config.issuer))
        // A token without `iss` can only be one that an issuer does not require it of.
        .or_else(|| {
            issuers
                .iter()
                .find(|issuer| !issuer.config.required.contains("iss"))
        })
        .ok_or_else(|| match unverified.issuer() {
            Some(_) => TokenError::Issuer,
            None => TokenError::Missing("iss".to_owned()),
        })?;
    if token.len() > issuer.config.max_token {
        return Err(TokenError::TooLong);
    }
    issuer.verify(token, unverified, unix).await
}
