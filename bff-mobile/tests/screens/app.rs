//! An app, and the BFF that it asks.

use std::time::Duration;

use chassis::http_client;
use chassis::tasks::Tasks;
use composition::{Running, Settings};
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::catalog::Catalog;

/// What cursors are signed with.
pub(crate) const SECRET: &str = "only-for-tests-only-for-tests-only";

/// A BFF over a catalog, and a client of it.
pub(crate) struct App {
    pub(crate) catalog: Catalog,
    running: Running,
    client: reqwest::Client,
    tasks: Tasks,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) fields: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Drop for App {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}

impl App {
    /// Starts the BFF with these options besides those that it needs. Everything but the catalog is nowhere.
    pub(crate) fn over(catalog: Catalog, options: &[&str]) -> Self {
        let tasks = Tasks::new();
        let products = format!("http://{}/api/products", catalog.listen(&tasks));
        let nowhere = "http://127.0.0.1:9";
        let needed = [
            "--mode=direct",
            "--bind=127.0.0.1:0",
            "--access-log=off",
            "--cursor-secret",
            SECRET,
            "--catalog-url",
            &products,
        ];
        let others = [
            "--reviews-url",
            "--inventory-url",
            "--recommendations-url",
            "--orders-url",
            "--users-url",
        ];
        let others = others.iter().flat_map(|option| [*option, nowhere]);
        let all = needed
            .into_iter()
            .chain(others)
            .chain(options.iter().copied());
        let settings = Settings::read("bff", "for a test", all).unwrap();
        Self {
            running: composition::start(&bff_mobile::BFF, &settings, &tasks).unwrap(),
            client: http_client::build(Duration::from_secs(20)).unwrap(),
            catalog,
            tasks,
        }
    }

    /// The BFF's answer to a GET with these fields.
    pub(crate) async fn get(&self, target: &str, fields: &[(&str, &str)]) -> Answer {
        self.ask(reqwest::Method::GET, target, fields).await
    }

    pub(crate) async fn ask(
        &self,
        method: reqwest::Method,
        target: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let url = format!("http://{}{target}", self.running.bind);
        let mut request = self.client.request(method, url);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        Answer {
            status: answer.status().as_u16(),
            fields: answer.headers().clone(),
            body: answer.bytes().await.unwrap().to_vec(),
        }
    }
}

impl Answer {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The ids of a list's products.
    pub(crate) fn ids(&self) -> Vec<u64> {
        let body = self.json();
        let items = body["items"].as_array().unwrap().iter();
        items.map(|item| item["id"].as_u64().unwrap()).collect()
    }

    /// The cursor of what follows.
    pub(crate) fn next(&self) -> Option<String> {
        self.json()["next"].as_str().map(str::to_owned)
    }
}
