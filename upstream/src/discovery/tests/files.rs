//! A file of endpoints is followed.

use super::*;

/// A reader of lines, each a port of 10.0.0.1 or a name.
fn read_lines(path: &Path) -> Result<Vec<Source>, String> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let source = |line: &str| match line.parse() {
        Ok(port) => Ok(Source::new(Place::new("10.0.0.1", port, ""), 1)),
        Err(_) if line.contains('!') => Err(format!("{line:?} is no endpoint")),
        Err(_) => Ok(named(line)),
    };
    text.lines().map(source).collect()
}

/// Waits until the endpoints are these ports.
async fn ports(discovery: &Discovery, expected: &[u16]) {
    let ports = || -> Vec<u16> {
        let members = discovery.fleet().members().into_iter();
        members.map(|member| member.endpoint.place().port).collect()
    };
    let waiting = async {
        while ports() != expected {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let waited = tokio::time::timeout(20 * SECOND, waiting).await;
    assert!(waited.is_ok(), "{:?}, not {expected:?}", ports());
}

fn followed(path: &Path) -> (World, Arc<Discovery>) {
    let world = World::reading(Arc::new(read_lines));
    let list = List {
        file: Some(path.to_owned()),
        ..list(vec![])
    };
    let discovery = world.begin(&list);
    (world, discovery)
}

#[tokio::test]
async fn a_file_is_read_again_when_another_is_renamed_over_it() {
    let folder = tempfile::tempdir().unwrap();
    let (path, next) = (folder.path().join("endpoints"), folder.path().join("next"));
    std::fs::write(&path, "7001\n7002\n").unwrap();
    let (world, discovery) = followed(&path);
    world.resolver.has("users", &["10.0.0.9"], 60);
    ports(&discovery, &[7001, 7002]).await;
    let stays = discovery.fleet().members().remove(1).endpoint;
    std::fs::write(&next, "7002\nusers\n").unwrap();
    std::fs::rename(&next, &path).unwrap();
    ports(&discovery, &[7002, 7000]).await;
    assert!(Arc::ptr_eq(
        &discovery.fleet().members()[0].endpoint,
        &stays
    ));
    std::fs::write(&path, "7003\n").unwrap();
    ports(&discovery, &[7003]).await;
}

#[tokio::test]
async fn a_link_that_is_swapped_beside_the_file_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (version, text) in [("..1", "7001\n"), ("..2", "7002\n")] {
        std::fs::create_dir(at(version)).unwrap();
        std::fs::write(at(version).join("endpoints"), text).unwrap();
    }
    let link = |version: &str| {
        std::os::unix::fs::symlink(version, at("..tmp")).unwrap();
        std::fs::rename(at("..tmp"), at("..data")).unwrap();
    };
    link("..1");
    std::os::unix::fs::symlink("..data/endpoints", at("endpoints")).unwrap();
    let (_world, discovery) = followed(&at("endpoints"));
    ports(&discovery, &[7001]).await;
    link("..2");
    ports(&discovery, &[7002]).await;
}

#[tokio::test]
async fn a_broken_an_empty_and_a_lost_file_keep_the_last_good_endpoints() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("endpoints");
    let (_world, discovery) = followed(&path);
    let trouble = async |said: &str| {
        let waiting = async {
            while !discovery
                .trouble()
                .is_some_and(|trouble| trouble.contains(said))
            {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let waited = tokio::time::timeout(20 * SECOND, waiting).await;
        assert!(waited.is_ok(), "{said}: {:?}", discovery.trouble());
    };
    trouble("No such file").await;
    assert!(!discovery.fleet().is_known());
    std::fs::write(&path, "7001\n").unwrap();
    ports(&discovery, &[7001]).await;
    std::fs::write(&path, "!\n").unwrap();
    trouble("\"!\" is no endpoint; the last good endpoints stay").await;
    std::fs::write(&path, "").unwrap();
    trouble("lists no endpoint").await;
    std::fs::remove_file(&path).unwrap();
    trouble("No such file").await;
    ports(&discovery, &[7001]).await;
    assert!(discovery.counts().failures >= 3);
}
