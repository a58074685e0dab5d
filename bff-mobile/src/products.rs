//! `GET /products`: products to scroll through, behind a cursor or by page.
//!
//! A cursor says behind which product the next ones come, so that products that come or go meanwhile neither hide nor
//! repeat others.
#![expect(
    unused_qualifications,
    reason = "written by utoipa's macro for parameters"
)]

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use composition::shop::{Listed, Product};
use composition::{
    Ask, Bounded, Cursors, Declared, Inbound, Meta, Params, Parts, Plan, PlanError, Problem, Setup,
    Slot, View, bad_request, selectable,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::presentation::{Markers, Presentation, Thumb};
use crate::tile::{FIELDS, Tile};

const PRODUCTS: Slot<Listed<Product>> = Slot::named("products");

/// 20 products fit into it, bytes.
const SIZE_BUDGET: usize = 12_000;

const LIMIT: u64 = 20;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// Where to go on: `next` of the answer before. The beginning when it is left out.
    cursor: Option<String>,
    /// Instead of a cursor: which page, from 1.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 1_000_000, example = 1)]
    page: Option<Bounded<1, 1_000_000>>,
    /// How many products, 20 when it is left out.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 100, example = 20)]
    limit: Option<Bounded<1, 100>>,
    /// Only these fields of each, with commas between them; an unknown one is refused with those that there are.
    fields: Option<String>,
    /// The width of pictures, pixels.
    #[param(inline)]
    thumb: Option<Thumb>,
    /// 1 adds `_meta` where nothing is missing, too.
    #[param(inline)]
    meta: Option<Markers>,
}

struct Asked {
    from: From,
    limit: u64,
    thumb: Thumb,
}

#[derive(Clone, Copy)]
enum From {
    Page(u64),
    Behind(u64),
}

/// Products to scroll through.
#[derive(Debug, Serialize, ToSchema)]
struct ProductList {
    items: Vec<Tile>,
    /// The cursor of what follows; left out at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "AQAAAAAAAAAUk1nP0mU1hWwq9G0sBzC6sQ")]
    next: Option<String>,
}

struct Screen {
    view: View<Asked>,
    cursors: Cursors,
}

pub(crate) fn screen(setup: &Setup) -> anyhow::Result<OpenApiRouter> {
    let cursors = Cursors::new(&setup.cursor_secret, "products")?;
    let signing = cursors.clone();
    let view = View::new(&setup.engine, plan(setup)?, move |asked, parts| {
        list(asked, parts, &signing)
    });
    let view = view
        .meta(Meta::WhenAsked)
        .size_budget(SIZE_BUDGET)
        .fields_of_items();
    let described = OpenApiRouter::new()
        .routes(routes!(products))
        .with_state(Arc::new(Screen { view, cursors }));
    Ok(selectable(described, &FIELDS))
}

fn plan(setup: &Setup) -> Result<Plan<Asked>, PlanError> {
    let catalog = setup.shop.catalog.clone();
    let parts = [Declared::new(PRODUCTS)
        .call(move |asked: &Ask<Asked>, ()| match asked.from {
            From::Page(page) => catalog.page(page, asked.limit),
            From::Behind(id) => catalog.after(id, asked.limit),
        })
        .required()
        .timeout(Duration::from_millis(800))];
    Plan::new("products", Duration::from_millis(1200), parts)
}

fn list(asked: &Asked, parts: &Parts<'_>, cursors: &Cursors) -> Option<ProductList> {
    let products = parts.get(PRODUCTS)?;
    // A page says how many there are in all, a list behind a cursor whether something follows.
    let follows = match (asked.from, products.total) {
        (From::Page(page), Some(total)) => page.saturating_mul(asked.limit) < total,
        _ => products.next.is_some(),
    };
    let last = products.items.last().filter(|_| follows);
    let tiles = products.items.iter();
    Some(ProductList {
        items: tiles
            .map(|product| Tile::of(product, asked.thumb))
            .collect(),
        next: last.map(|last| cursors.behind(last.id)),
    })
}

/// Products to scroll through
#[utoipa::path(
    get,
    path = "/products",
    params(Wanted),
    responses((status = 200, description = "The products.", body = ProductList))
)]
async fn products(
    State(screen): State<Arc<Screen>>,
    Extension(inbound): Extension<Arc<Inbound>>,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    let from = match (&wanted.cursor, wanted.page) {
        (None, None) => From::Behind(0),
        (None, Some(page)) => From::Page(page.get()),
        (Some(cursor), None) => From::Behind(screen.cursors.read(cursor).ok_or_else(|| {
            bad_request(
                "cursor: take next of the answer before as it is, or leave it out to begin anew",
            )
        })?),
        (Some(_), Some(_)) => return Err(bad_request("either a cursor or a page, not both")),
    };
    let presentation = Presentation {
        fields: wanted.fields,
        thumb: wanted.thumb,
        meta: wanted.meta,
    };
    let shape = presentation.shape(&FIELDS)?;
    let asked = Asked {
        from,
        limit: wanted.limit.map_or(LIMIT, Bounded::get),
        thumb: presentation.thumb(),
    };
    Ok(screen.view.shaped(inbound, asked, shape).await)
}
