//! `${NAME}` and `${NAME:-default}` in a string value.

use std::borrow::Cow;

/// Looks a variable up.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Why a value could not be filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum EnvError {
    /// It has no value and no default.
    #[error("the environment has no {0}")]
    Unset(String),
    /// `${` without its end.
    #[error("${{ has no closing }}")]
    Open,
    /// `${a b}`.
    #[error("{0:?} is not a variable's name")]
    Name(String),
}

impl EnvError {
    /// What to do about it where the file may hold no default.
    pub(super) fn help_with_secret(&self) -> String {
        match self {
            Self::Unset(name) => {
                format!("set {name} where the gateway is started, or use the key with _file")
            }
            Self::Open | Self::Name(_) => self.help(),
        }
    }

    /// What to do about it.
    pub(super) fn help(&self) -> String {
        match self {
            Self::Unset(name) => {
                format!("set {name} where the gateway is started, or write ${{{name}:-a default}}")
            }
            Self::Open | Self::Name(_) => {
                "write ${NAME} or ${NAME:-default}; a name has letters, digits and _".to_owned()
            }
        }
    }
}

/// Fills in what the environment has. A `$` without `{` is only a `$`; what a variable holds is not looked into again.
pub(super) fn filled<'t>(text: &'t str, lookup: Lookup<'_>) -> Result<Cow<'t, str>, EnvError> {
    let Some((plain, mut rest)) = text.split_once("${") else {
        return Ok(Cow::Borrowed(text));
    };
    let mut out = plain.to_owned();
    loop {
        let (inside, behind) = rest.split_once('}').ok_or(EnvError::Open)?;
        out.push_str(&value(inside, lookup)?);
        let Some((plain, next)) = behind.split_once("${") else {
            out.push_str(behind);
            return Ok(Cow::Owned(out));
        };
        out.push_str(plain);
        rest = next;
    }
}

/// As a shell does: with `:-` an empty variable counts as none.
fn value(inside: &str, lookup: Lookup<'_>) -> Result<String, EnvError> {
    let (name, default) = match inside.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inside, None),
    };
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(letters) || name.starts_with(|c: char| c.is_numeric()) {
        return Err(EnvError::Name(name.to_owned()));
    }
    match (lookup(name), default) {
        (Some(value), None) => Ok(value),
        (Some(value), Some(_)) if !value.is_empty() => Ok(value),
        (_, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err(EnvError::Unset(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Option<String> {
        match name {
            "PORT" => Some("7001".to_owned()),
            "EMPTY" => Some(String::new()),
            "TRAP" => Some("${PORT}".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn variables_and_defaults_are_filled_in_once() {
        for (text, expected) in [
            ("plain $5 }", "plain $5 }"),
            ("http://127.0.0.1:${PORT}/x", "http://127.0.0.1:7001/x"),
            ("${PORT:-1}${NONE:-2}${EMPTY:-3}${NONE:-}", "700123"),
            ("[${EMPTY}]", "[]"),
            ("${NONE:-a:-b}", "a:-b"),
            ("${TRAP}", "${PORT}"),
        ] {
            assert_eq!(filled(text, &lookup).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn what_cannot_be_filled_in_is_said() {
        assert_eq!(
            filled("a${NONE}", &lookup),
            Err(EnvError::Unset("NONE".to_owned()))
        );
        assert_eq!(filled("${PORT", &lookup), Err(EnvError::Open));
        for name in ["${}", "${a b}", "${1A}", "${PORT-1}"] {
            assert!(
                matches!(filled(name, &lookup), Err(EnvError::Name(_))),
                "{name}"
            );
        }
    }
}
