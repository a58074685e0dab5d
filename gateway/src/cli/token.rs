//! `banyan token`: a signed token for trying things. The key is a development key, or an issuer's shared secret; a
//! production issuer's key has no business on the machine where this runs.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chassis::clock::Clock;
use chassis::principal::Principal;
use chassis::secret::ExposeSecret as _;
use jiff::SignedDuration;
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};

use super::{FileArg, load, print};
use crate::auth::config::{IssuerConfig, KeySource, SigningAlgorithm};
use crate::config::Config;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    file: FileArg,
    /// The name of an [auth.issuer.NAME]; needed only when there are several.
    #[arg(long)]
    issuer: Option<String>,
    /// Whose token it is.
    #[arg(long, default_value = "alice")]
    user: String,
    /// A group.
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// A scope.
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// The plan.
    #[arg(long)]
    plan: Option<String>,
    /// How long it lives.
    #[arg(long, default_value = "1h", allow_hyphen_values = true)]
    ttl: SignedDuration,
    /// The development key, PKCS#8 PEM; not needed when the issuer has a secret.
    #[arg(long, value_name = "FILE", default_value = ".dev/issuer-key.pem")]
    key: PathBuf,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    anyhow::ensure!(
        !args.user.is_empty(),
        "--user: a token without a user is refused everywhere"
    );
    let ready = load::ready(&args.file.config)?;
    let issuer = issuer(&ready.config, args.issuer.as_deref())?;
    let caller = Principal {
        user: args.user.clone(),
        scopes: args.scopes.clone(),
        groups: args.groups.clone(),
        plan: args.plan.clone(),
    };
    print::line(&sign(issuer, &caller, args.ttl, &args.key)?);
    Ok(())
}

/// A token of `issuer` for `caller`, signed with the issuer's secret or the development key in the file `key`.
pub fn sign(
    issuer: &IssuerConfig,
    caller: &Principal,
    ttl: SignedDuration,
    key: &Path,
) -> anyhow::Result<String> {
    let (algorithm, key) = signing_key(issuer, key)?;
    let header = Header::new(algorithm.as_library());
    Ok(jsonwebtoken::encode(
        &header,
        &claims(issuer, caller, ttl),
        &key,
    )?)
}

fn issuer<'c>(config: &'c Config, name: Option<&str>) -> anyhow::Result<&'c IssuerConfig> {
    let known: Vec<&str> = config.issuers.keys().map(String::as_str).collect();
    match (name, known.as_slice()) {
        (Some(name), _) => config.issuers.get(name).with_context(|| {
            format!(
                "there is no [auth.issuer.{name}]; there is: {}",
                known.join(", ")
            )
        }),
        (None, [only]) => Ok(&config.issuers[*only]),
        (None, []) => {
            anyhow::bail!("the file has no [auth.issuer.NAME], so nobody would believe a token")
        }
        (None, _) => anyhow::bail!("say which with --issuer: {}", known.join(", ")),
    }
}

fn signing_key(
    issuer: &IssuerConfig,
    file: &Path,
) -> anyhow::Result<(SigningAlgorithm, EncodingKey)> {
    if let KeySource::Secret(secret) = &issuer.keys {
        let algorithm = issuer
            .algorithms
            .first()
            .copied()
            .context("the issuer has no algorithm")?;
        return Ok((
            algorithm,
            EncodingKey::from_secret(secret.expose_secret().as_bytes()),
        ));
    }
    let path = file.display();
    let pem = std::fs::read(file).with_context(|| {
        format!("{path}: there is no development key; the demo and the issuer stub make one when they start")
    })?;
    let read = |algorithm: SigningAlgorithm| match algorithm.as_str().as_bytes()[0] {
        b'E' if algorithm == SigningAlgorithm::EdDSA => EncodingKey::from_ed_pem(&pem),
        b'E' => EncodingKey::from_ec_pem(&pem),
        _ => EncodingKey::from_rsa_pem(&pem),
    };
    let fitting = issuer
        .algorithms
        .iter()
        .find_map(|algorithm| Some((*algorithm, read(*algorithm).ok()?)));
    fitting.with_context(|| format!("{path}: this key fits none of the issuer's algorithms"))
}

fn claims(issuer: &IssuerConfig, caller: &Principal, ttl: SignedDuration) -> Value {
    let now = Clock::system().unix().as_secs();
    let expires = now.saturating_add_signed(ttl.as_secs());
    let mut claims =
        json!({ "iss": issuer.issuer, "sub": caller.user, "iat": now, "exp": expires });
    if let Some(audience) = issuer.audience.first() {
        claims["aud"] = json!(audience);
    }
    if !caller.scopes.is_empty() {
        claims[&issuer.scopes_claim] = json!(caller.scopes.join(" "));
    }
    if !caller.groups.is_empty() {
        claims[&issuer.groups_claim] = json!(caller.groups);
    }
    if let Some(plan) = &caller.plan {
        claims[&issuer.plan_claim] = json!(plan);
    }
    claims
}
