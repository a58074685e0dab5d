//! The whole house: stubs, gateway with the repository's routes.toml, both BFFs behind it.

use crate::bff::{Bff, Which};
use crate::client::Request;
use crate::edge::Edge;
use crate::shop::{Shop, routes};

/// Everything, listening.
#[derive(Debug)]
pub struct Screens {
    /// The backends.
    pub shop: Shop,
    /// The gateway.
    pub edge: Edge,
    /// Rich pages.
    pub web: Bff,
    /// Small screens.
    pub mobile: Bff,
}

impl Screens {
    /// Starts it all.
    pub async fn start() -> Self {
        Self::edited(str::to_owned).await
    }

    /// Starts it with a changed routes.toml.
    pub async fn edited(change: impl FnOnce(&str) -> String) -> Self {
        let shop = Shop::start().await;
        let edge = shop.edge_with(&change(&routes())).start().await;
        let internal = edge.internal_address.expect("routes.toml has [internal]");
        let web = Bff::behind(Which::Web, internal).await;
        let mobile = Bff::behind(Which::Mobile, internal).await;
        // The BFFs' ports are known only now.
        edge.take_over(|text| {
            let text = text.replace("${BFF_WEB_PORT:-7100}", &web.address.port().to_string());
            text.replace(
                "${BFF_MOBILE_PORT:-7200}",
                &mobile.address.port().to_string(),
            )
        })
        .await;
        Self {
            shop,
            edge,
            web,
            mobile,
        }
    }

    /// A token for somebody.
    pub async fn token(&self, user: &str) -> String {
        self.shop.token(&self.edge, &["--user", user]).await
    }

    /// Starts a GET through the edge.
    pub fn get(&self, path: &str) -> Request {
        self.edge.get(path)
    }

    /// Ends everything, and checks that it ends well.
    pub async fn stop(self) {
        self.edge.stop().await;
        self.web.stop().await;
        self.mobile.stop().await;
    }
}
