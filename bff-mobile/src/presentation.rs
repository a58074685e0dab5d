//! What an app may say about the form of an answer: which fields, which size of pictures, whether with markers.

use composition::{FieldList, Problem, Shape, bad_request};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

/// How a screen is wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Presentation {
    /// Only these fields, with commas between them; an unknown one is refused with those that there are.
    pub(crate) fields: Option<String>,
    /// The width of pictures, pixels.
    #[param(inline)]
    pub(crate) thumb: Option<Thumb>,
    /// 1 adds `_meta` where nothing is missing, too.
    #[param(inline)]
    pub(crate) meta: Option<Markers>,
}

/// The widths in which pictures are had, pixels.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
pub(crate) enum Thumb {
    /// A list's.
    #[default]
    #[serde(rename = "160")]
    Small,
    /// A list's, on dense displays.
    #[serde(rename = "320")]
    Medium,
    /// A screen's width.
    #[serde(rename = "640")]
    Large,
}

/// Whether parts are accounted for.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, ToSchema)]
pub(crate) enum Markers {
    /// Only where something is missing.
    #[default]
    #[serde(rename = "0")]
    WhereNeeded,
    /// Always.
    #[serde(rename = "1")]
    Always,
}

impl Presentation {
    /// What all screens do alike about it. An unknown field is refused.
    pub(crate) fn shape(&self, allowed: &[&'static str]) -> Result<Shape, Problem> {
        let fields = self.fields.as_deref();
        let fields = fields.map(|text| FieldList::parse(text, allowed));
        Ok(Shape {
            fields: fields.transpose().map_err(bad_request)?,
            meta: self.meta == Some(Markers::Always),
        })
    }

    /// The size of pictures.
    pub(crate) fn thumb(&self) -> Thumb {
        self.thumb.unwrap_or_default()
    }
}

impl Thumb {
    /// The picture's address in this width.
    pub(crate) fn of(self, image: &str) -> String {
        let width = match self {
            Self::Small => 160,
            Self::Medium => 320,
            Self::Large => 640,
        };
        let mark = if image.contains('?') { '&' } else { '?' };
        format!("{image}{mark}w={width}")
    }
}
