//! Which port each part has: the usual ones, moved together.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context as _;
use composition::Bff;
use stubs::shop::{PARTS, Part};

use crate::places::Kept;

/// Port 7000 is the monolith's when nothing is moved.
pub(crate) const BASE: u16 = 7000;

const EDGE: u16 = 8080;
const INTERNAL: u16 = 8081;
const ADMIN: u16 = 9900;

/// The BFFs, each with the variable in routes.toml that names its port.
const BFFS: [(Bff, &str); 2] = [
    (bff_web::BFF, "BFF_WEB_PORT"),
    (bff_mobile::BFF, "BFF_MOBILE_PORT"),
];

/// All addresses.
#[derive(Clone, Debug)]
pub(crate) struct Ports {
    pub(crate) edge: SocketAddr,
    pub(crate) internal: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) parts: Vec<(Part, SocketAddr)>,
    pub(crate) bffs: Vec<(Bff, SocketAddr)>,
}

impl Ports {
    /// Port p becomes `base + (p - 7000)`.
    pub(crate) fn from_base(base: u16) -> anyhow::Result<Self> {
        let moved = |port: u16| {
            let port = base.checked_add(port - BASE);
            let port = port.with_context(|| {
                format!("--port-base {base}: at most {}", u16::MAX - (ADMIN - BASE))
            })?;
            anyhow::Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        };
        let parts = PARTS.into_iter().map(|part| Ok((part, moved(part.port)?)));
        let bffs = BFFS.into_iter().map(|(bff, _)| Ok((bff, moved(bff.port)?)));
        Ok(Self {
            bffs: bffs.collect::<anyhow::Result<_>>()?,
            edge: moved(EDGE)?,
            internal: moved(INTERNAL)?,
            admin: moved(ADMIN)?,
            parts: parts.collect::<anyhow::Result<_>>()?,
        })
    }

    /// What routes.toml asks the environment for: the demo's own ports and files, and else what the shell has.
    pub(crate) fn environment(
        &self,
        kept: &Kept,
        shell: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> BTreeMap<String, String> {
        let parts = self
            .parts
            .iter()
            .map(|(part, address)| (part.variable.to_owned(), address.port().to_string()));
        let bffs = BFFS
            .iter()
            .zip(&self.bffs)
            .map(|((_, variable), (_, address))| {
                ((*variable).to_owned(), address.port().to_string())
            });
        // What is no text the file cannot ask for.
        let mut environment: BTreeMap<String, String> = shell
            .into_iter()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        environment.extend(parts.chain(bffs));
        environment.insert("BANYAN_BIND".to_owned(), self.edge.to_string());
        environment.insert("BANYAN_INTERNAL_BIND".to_owned(), self.internal.to_string());
        environment.insert("BANYAN_ADMIN_BIND".to_owned(), self.admin.to_string());
        let files = [
            ("BANYAN_ACCESS_LOG", &kept.access_log),
            ("BANYAN_STATE", &kept.state),
        ];
        let files = files.map(|(name, file)| (name.to_owned(), file.display().to_string()));
        environment.extend(files);
        environment
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_ports_move_together() {
        let usual = Ports::from_base(7000).unwrap();
        assert_eq!((usual.edge.port(), usual.admin.port()), (8080, 9900));
        let moved = Ports::from_base(17_000).unwrap();
        assert_eq!(
            (
                moved.edge.port(),
                moved.internal.port(),
                moved.parts[0].1.port()
            ),
            (18_080, 18_081, 17_000)
        );
        assert!(Ports::from_base(65_000).is_err());
    }

    #[test]
    fn a_file_may_ask_for_what_the_shell_has() {
        let kept = Kept {
            access_log: "access.log".into(),
            state: "banyan.db".into(),
        };
        let shell = [("HOOK_SECRET", "s"), ("BANYAN_ADMIN_BIND", "127.0.0.1:1")];
        let shell = shell.map(|(name, value)| (name.into(), value.into()));
        let ports = Ports::from_base(17_000).unwrap();
        let environment = ports.environment(&kept, shell);
        assert_eq!(environment["HOOK_SECRET"], "s");
        assert_eq!(environment["BANYAN_ADMIN_BIND"], "127.0.0.1:19900");
    }
}
