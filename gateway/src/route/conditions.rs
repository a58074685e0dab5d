//! What a route asks of a request besides its host and path: method, fields, query parameters.

use std::borrow::Cow;
use std::fmt;

use http::{HeaderMap, HeaderName, Method};
use percent_encoding::percent_decode;
use regex_automata::meta::Regex;

use super::config::{RouteConfig, ValueConfig};

/// The largest compiled size of one expression, bytes: an operator's slip must not cost a gigabyte.
const REGEX_SIZE: usize = 1 << 20;

/// A request as the table sees it. The path is in normal form; the host is lower case and has no port.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The host, or nothing.
    pub host: &'a str,
    /// The path in normal form.
    pub path: &'a str,
    /// The query without its question mark.
    pub query: &'a str,
    /// The method.
    pub method: &'a Method,
    /// The fields.
    pub fields: &'a HeaderMap,
}

/// All must hold.
#[derive(Debug)]
pub struct Conditions {
    methods: Vec<Method>,
    fields: Vec<(HeaderName, Value)>,
    query: Vec<(String, Value)>,
}

#[derive(Debug)]
enum Value {
    Exact(String),
    Regex(Regex),
}

/// The first condition that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unmet {
    /// The method is not among the route's.
    Method,
    /// This field is missing or different.
    Field(HeaderName),
    /// This parameter is missing or different.
    Query(String),
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method => f.write_str("the method is not among its methods"),
            Self::Field(name) => write!(f, "the field {name} does not match"),
            Self::Query(name) => write!(f, "the query parameter {name} does not match"),
        }
    }
}

/// An expression that does not compile or is too large.
#[derive(Debug, thiserror::Error)]
#[error("{expression:?} is no regular expression: {cause}")]
pub struct BadRegex {
    expression: String,
    cause: String,
}

/// Compiles an expression of the file; linear time in what it is matched against, bounded in size.
pub fn regex(expression: &str) -> Result<Regex, BadRegex> {
    Regex::builder()
        .configure(Regex::config().nfa_size_limit(Some(REGEX_SIZE)))
        .build(expression)
        .map_err(|error| {
            let cause = error
                .syntax_error()
                .map_or_else(|| error.to_string(), ToString::to_string);
            BadRegex {
                expression: expression.to_owned(),
                cause,
            }
        })
}

impl Conditions {
    /// From the file.
    pub fn compile(route: &RouteConfig) -> Result<Self, BadRegex> {
        let fields = route
            .headers
            .iter()
            .map(|(name, value)| Ok((name.clone(), Value::compile(value)?)));
        let query = route
            .query
            .iter()
            .map(|(name, value)| Ok((name.clone(), Value::compile(value)?)));
        Ok(Self {
            methods: route.methods.clone(),
            fields: fields.collect::<Result<_, _>>()?,
            query: query.collect::<Result<_, _>>()?,
        })
    }

    /// Whether all hold.
    pub fn hold(&self, asked: &Asked<'_>) -> bool {
        let method = self.methods.is_empty() || self.methods.contains(asked.method);
        method
            && self
                .fields
                .iter()
                .all(|(name, value)| value.is_in_fields(asked.fields, name))
            && self
                .query
                .iter()
                .all(|(name, value)| value.is_in_query(asked.query, name))
    }

    /// The first that does not.
    pub fn unmet(&self, asked: &Asked<'_>) -> Option<Unmet> {
        if !self.methods.is_empty() && !self.methods.contains(asked.method) {
            return Some(Unmet::Method);
        }
        let field = self
            .fields
            .iter()
            .find(|(name, value)| !value.is_in_fields(asked.fields, name));
        if let Some((name, _)) = field {
            return Some(Unmet::Field(name.clone()));
        }
        let parameter = self
            .query
            .iter()
            .find(|(name, value)| !value.is_in_query(asked.query, name));
        parameter.map(|(name, _)| Unmet::Query(name.clone()))
    }

    /// How specific they are: the more, the earlier a route is asked.
    pub(super) fn rank(&self) -> (bool, usize, usize) {
        (
            !self.methods.is_empty(),
            self.fields.len(),
            self.query.len(),
        )
    }
}

impl Value {
    fn compile(value: &ValueConfig) -> Result<Self, BadRegex> {
        Ok(match value {
            ValueConfig::Exact(text) => Self::Exact(text.clone()),
            ValueConfig::Regex(expression) => Self::Regex(regex(expression)?),
        })
    }

    fn is(&self, given: &[u8]) -> bool {
        match self {
            Self::Exact(text) => text.as_bytes() == given,
            Self::Regex(regex) => regex.is_match(given),
        }
    }

    fn is_in_fields(&self, fields: &HeaderMap, name: &HeaderName) -> bool {
        fields
            .get_all(name)
            .iter()
            .any(|value| self.is(value.as_bytes()))
    }

    /// Of a parameter that is given twice, the first counts.
    fn is_in_query(&self, query: &str, name: &str) -> bool {
        let mut pairs = query
            .split('&')
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs
            .find(|(key, _)| decoded(key) == name.as_bytes())
            .is_some_and(|(_, value)| self.is(&decoded(value)))
    }
}

fn decoded(text: &str) -> Cow<'_, [u8]> {
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        return percent_decode(spaced.as_bytes())
            .collect::<Vec<u8>>()
            .into();
    }
    percent_decode(text.as_bytes()).into()
}
