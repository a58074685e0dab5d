//! `?fields=`: only what a screen shows is sent.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The fields that somebody asked for, all of them allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldList(Vec<&'static str>);

/// Where in an answer the fields are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The answer's own.
    Top,
    /// Those of each element of `items`.
    Items,
}

impl FieldList {
    /// Reads `id,name`. The error says which fields there are.
    pub fn parse(text: &str, allowed: &[&'static str]) -> Result<Self, String> {
        let known = |name: &str| {
            let found = allowed.iter().find(|known| **known == name).copied();
            found.ok_or_else(|| {
                let allowed = allowed.join(", ");
                format!("fields: {name:?} is none of this screen; there are {allowed}")
            })
        };
        text.split(',')
            .map(known)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether a field was asked for.
    pub fn wants(&self, name: &str) -> bool {
        self.0.contains(&name)
    }

    /// Leaves out of `answer`, which is JSON, all fields at `level` that were not asked for. Their text stays as it is.
    pub(crate) fn select(&self, answer: &[u8], level: Level) -> Option<Vec<u8>> {
        let object: Object<'_> = serde_json::from_slice(answer).ok()?;
        let mut out = Vec::with_capacity(answer.len());
        match level {
            Level::Top => self.write(&object, &mut out),
            Level::Items => {
                for (index, (name, value)) in object.0.iter().enumerate() {
                    begin_member(index, name, &mut out);
                    if name == "items" {
                        let items: Vec<Object<'_>> = serde_json::from_str(value.get()).ok()?;
                        self.write_items(&items, &mut out);
                    } else {
                        out.extend_from_slice(value.get().as_bytes());
                    }
                }
                out.push(b'}');
            }
        }
        Some(out)
    }

    fn write_items(&self, items: &[Object<'_>], out: &mut Vec<u8>) {
        out.push(b'[');
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            self.write(item, out);
        }
        out.push(b']');
    }

    fn write(&self, object: &Object<'_>, out: &mut Vec<u8>) {
        let kept = object.0.iter().filter(|(name, _)| self.wants(name));
        let mut count = 0;
        for (name, value) in kept {
            begin_member(count, name, out);
            out.extend_from_slice(value.get().as_bytes());
            count += 1;
        }
        if count == 0 {
            out.push(b'{');
        }
        out.push(b'}');
    }
}

/// Names are those of our own view models and have nothing to escape.
fn begin_member(index: usize, name: &str, out: &mut Vec<u8>) {
    out.push(if index == 0 { b'{' } else { b',' });
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

/// An object's members in their order, each as its text.
struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWED: [&str; 3] = ["id", "name", "price"];

    fn selected(fields: &str, answer: &str, level: Level) -> String {
        let list = FieldList::parse(fields, &ALLOWED).unwrap();
        String::from_utf8(list.select(answer.as_bytes(), level).unwrap()).unwrap()
    }

    #[test]
    fn what_was_not_asked_for_is_left_out_and_the_rest_stays_as_it_is() {
        let item = r#"{"id":18446744073709551617,"name":"a\"b","price":12.10}"#;
        assert_eq!(
            selected("price,id", item, Level::Top),
            r#"{"id":18446744073709551617,"price":12.10}"#
        );
        let list = format!(r#"{{"items":[{item},{{"name":"x"}}],"next":"c"}}"#);
        assert_eq!(
            selected("id", &list, Level::Items),
            r#"{"items":[{"id":18446744073709551617},{}],"next":"c"}"#
        );
    }

    #[test]
    fn an_unknown_field_is_refused_with_those_that_there_are() {
        for wrong in ["colour", "id,", "", "id,NAME"] {
            let said = FieldList::parse(wrong, &ALLOWED).unwrap_err();
            assert!(said.contains("id, name, price"), "{said}");
        }
    }
}
