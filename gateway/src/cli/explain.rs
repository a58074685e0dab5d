//! `banyan explain METHOD PATH`.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::Context as _;
use chassis::principal::Principal;
use http::header::HOST;
use http::{HeaderMap, HeaderName, Method};

use super::{FileArg, Output, load, print};
use crate::explain::{Explanation, Question, explain, field};
use crate::listener::config::Listener;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Such as GET.
    method: String,
    /// Such as /api/orders/42?page=2; its host may stand before it.
    path: String,
    #[command(flatten)]
    file: FileArg,
    /// The caller that a verified token names.
    #[arg(long)]
    user: Option<String>,
    /// A group of that caller.
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// A scope of that caller.
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// A field of the request, as name:value.
    #[arg(long = "header", value_name = "NAME:VALUE")]
    headers: Vec<String>,
    /// Where it comes in.
    #[arg(long, value_enum, default_value = "edge")]
    listener: At,
    /// The address of whoever connects.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    peer: IpAddr,
    /// How to say it.
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

/// A listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum At {
    /// The public one.
    Edge,
    /// The one behind it.
    Internal,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let snapshot = load::snapshot(&args.file.config)?;
    let told = explain(&snapshot, &question(args)?);
    match args.output {
        Output::Json => print::line(&serde_json::to_string(&told)?),
        Output::Text => print::line(&in_words(&told)),
    }
    Ok(())
}

fn question(args: &Args) -> anyhow::Result<Question> {
    let mut fields = HeaderMap::new();
    for given in &args.headers {
        let (name, value) = given
            .split_once(':')
            .with_context(|| format!("--header {given:?}: write name:value"))?;
        let name: HeaderName = name
            .trim()
            .parse()
            .with_context(|| format!("--header {given:?}: no field name"))?;
        let value =
            field(value.trim()).with_context(|| format!("--header {given:?}: no field value"))?;
        fields.append(name, value);
    }
    let mut target = args.path.clone();
    if let Ok(url) = url::Url::parse(&args.path)
        && let Some(host) = url.host_str()
    {
        fields.insert(HOST, field(host).context("the host is no field value")?);
        let start = args.path.find("://").map_or(0, |at| at + 3);
        target = args.path[start..]
            .find('/')
            .map_or("/".to_owned(), |at| args.path[start + at..].to_owned());
    }
    let principal = args.user.clone().map(|user| Principal {
        user,
        scopes: args.scopes.clone(),
        groups: args.groups.clone(),
        plan: None,
    });
    let method = Method::from_bytes(args.method.to_ascii_uppercase().as_bytes())
        .with_context(|| format!("{:?} is no method", args.method))?;
    Ok(Question {
        listener: match args.listener {
            At::Edge => Listener::Edge,
            At::Internal => Listener::Internal,
        },
        method,
        target,
        fields,
        principal,
        peer: args.peer,
    })
}

fn in_words(told: &Explanation) -> String {
    let widest = told
        .steps
        .iter()
        .map(|step| step.what.len())
        .max()
        .unwrap_or(0);
    let mut lines = Vec::new();
    for step in &told.steps {
        for (index, said) in step.said.iter().enumerate() {
            let what = if index == 0 { step.what } else { "" };
            lines.push(format!("{what:widest$}  {said}"));
        }
    }
    lines.join("\n")
}
