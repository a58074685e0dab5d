//! A browser, and the BFF that it asks.

use std::time::Duration;

use chassis::http_client;
use chassis::tasks::Tasks;
use composition::{Running, Settings};
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::backends::Backends;

/// A BFF over backends, and a client of it.
pub(crate) struct Site {
    pub(crate) backends: Backends,
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

impl Drop for Site {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}

impl Site {
    pub(crate) fn over(backends: Backends) -> Self {
        let tasks = Tasks::new();
        let address = backends.listen(&tasks);
        let own = [
            ("--catalog-url", "products"),
            ("--reviews-url", "reviews"),
            ("--inventory-url", "stock"),
            ("--recommendations-url", "related"),
            ("--orders-url", "orders"),
            ("--users-url", "users"),
        ];
        let own = own.map(|(option, path)| format!("{option}=http://{address}/{path}"));
        let needed = ["--mode=direct", "--bind=127.0.0.1:0", "--access-log=off"];
        let all = needed.into_iter().chain(own.iter().map(String::as_str));
        let settings = Settings::read("bff", "for a test", all).unwrap();
        Self {
            running: composition::start(&bff_web::BFF, &settings, &tasks).unwrap(),
            client: http_client::build(Duration::from_secs(20)).unwrap(),
            backends,
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
}
