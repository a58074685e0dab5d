//! A small shop to compose from: an order, its customer and products, and reviews that wait for nothing.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use chassis::identity::Trust;
use chassis::tasks::Tasks;
use composition::{
    Backend, Call, Declared, Engine, Identified, Inbound, Kept, Loaded, Parts, Plan, Protection,
    Raw, Slot, View, Way, comma_separated,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use http_body_util::BodyExt as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::script::{Reply, Script, ms};

pub(crate) const ORDER: Slot<Order> = Slot::named("order");
pub(crate) const CUSTOMER: Slot<Raw> = Slot::named("customer");
pub(crate) const PRODUCTS: Slot<Loaded<Product>> = Slot::named("products");
pub(crate) const REVIEWS: Slot<Raw> = Slot::named("reviews");

#[derive(Debug, Deserialize)]
pub(crate) struct Order {
    user: u64,
    items: Vec<u64>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Product {
    id: u64,
    name: String,
}

impl Identified for Product {
    type Id = u64;

    fn id(&self) -> u64 {
        self.id
    }
}

#[derive(Serialize)]
struct Page {
    items: Option<Vec<Option<String>>>,
    customer: Option<Raw>,
    reviews: Option<Raw>,
}

/// How the shop's answers are kept.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Keeping {
    pub(crate) order: Option<Kept>,
    pub(crate) customer: Option<Kept>,
}

/// A process that composes the order page.
pub(crate) struct Shop {
    pub(crate) script: Arc<Script>,
    pub(crate) view: Arc<View<u64>>,
}

impl Shop {
    /// Its backends answer at once, everything is there.
    pub(crate) fn open(keeping: Keeping) -> Self {
        Self::behind(Way::Direct, keeping)
    }

    pub(crate) fn behind(way: Way, keeping: Keeping) -> Self {
        let script = Script::behind(way);
        script.says(
            "order",
            Reply::json(&json!({"user": 7, "items": [1, 2, 1]})),
        );
        script.says("customer", Reply::json(&json!({"name": "Alice"})));
        script.answers("products", |seen| Reply::json(&products(&seen.target)));
        script.says("reviews", Reply::json(&json!({"items": []})));
        let engine = Engine::new(Arc::clone(&script) as _, "test", 1024 * 1024, &Tasks::new());
        Self {
            view: Arc::new(view(&engine, keeping, &Protection::by_gateway(64))),
            script,
        }
    }

    /// The answer to a request with these fields, from a trusted caller.
    pub(crate) async fn get(&self, fields: &[(&'static str, &str)]) -> Answer {
        self.get_order(1, fields).await
    }

    /// The answer to a request for one of the orders.
    pub(crate) async fn get_order(&self, order: u64, fields: &[(&'static str, &str)]) -> Answer {
        let inbound = inbound(fields);
        Answer::read(self.view.answer(inbound, order).await).await
    }
}

pub(crate) fn inbound(fields: &[(&'static str, &str)]) -> Arc<Inbound> {
    let fields: HeaderMap = fields
        .iter()
        .map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_str(value).unwrap(),
            )
        })
        .collect();
    let (inbound, _) = Inbound::read(&fields, Trust::Trusted, None, Instant::now());
    Arc::new(inbound)
}

/// The order page. Each backend's host is its name.
pub(crate) fn view(engine: &Arc<Engine>, keeping: Keeping, protection: &Protection) -> View<u64> {
    let backend = |name| Backend::protected(name, name, 80, "", protection).unwrap();
    let [orders, customers, catalog, reviews] =
        ["order", "customer", "products", "reviews"].map(backend);
    let kept = |call: Call<Raw>, kept: Option<Kept>| match kept {
        Some(kept) => call.kept(kept),
        None => call,
    };
    let parts = [
        Declared::new(ORDER)
            .call(move |id, ()| {
                let call = Call::get(&orders, "").segment(id.params);
                match keeping.order {
                    Some(kept) => call.kept(kept),
                    None => call,
                }
            })
            .required()
            .timeout(ms(800)),
        Declared::new(CUSTOMER).after(ORDER).call(move |_, order| {
            kept(
                Call::get(&customers, "").segment(order.user),
                keeping.customer,
            )
        }),
        Declared::new(PRODUCTS).after(ORDER).batch(
            |_, order| order.items.clone(),
            move |ids| Call::items(&catalog, "").query("ids", comma_separated(ids)),
        ),
        Declared::new(REVIEWS)
            .call(move |_, ()| Call::get(&reviews, ""))
            .timeout(ms(150)),
    ];
    let plan = Plan::new("order", Duration::from_secs(2), parts).unwrap();
    View::new(engine, plan, |_, parts| Some(page(parts)))
}

fn page(parts: &Parts<'_>) -> Page {
    let name = |product: Option<&Product>| product.map(|product| product.name.clone());
    Page {
        items: parts
            .get(PRODUCTS)
            .map(|products| products.in_order().map(name).collect()),
        customer: parts.get(CUSTOMER).cloned(),
        reviews: parts.get(REVIEWS).cloned(),
    }
}

/// Every product has the name of its id, but for number 13, which does not exist.
pub(crate) fn products(target: &str) -> Value {
    let ids = target.split_once("ids=").unwrap().1;
    let found = ids.split(',').filter(|id| *id != "13");
    let items: Vec<Value> = found
        .map(|id| json!({"id": id.parse::<u64>().unwrap(), "name": format!("p{id}")}))
        .collect();
    json!({ "items": items })
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) fields: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) async fn read(answer: Response<Body>) -> Self {
        let (parts, body) = answer.into_parts();
        Self {
            status: parts.status.as_u16(),
            fields: parts.headers,
            body: body.collect().await.unwrap().to_bytes().to_vec(),
        }
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}
