//! The demo: one command, and what it tells a newcomer to paste does what it says.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail the test as tests do"
)]

use std::fs::File;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tests::answer::Answer;
use tests::client::Client;
use tests::process::Process;
use tests::wire::within;
use tests::{binaries, tree};

/// The last thing it says, once everything runs.
const LAST: &str = "Ctrl-C ends all of it";

/// Where the usual ports begin, and how far above that its ports lie.
const BASE: u16 = 7000;
const OFFSETS: [u16; 14] = [0, 1, 2, 3, 4, 5, 6, 7, 100, 200, 1080, 1081, 2000, 2900];

/// How often pairs are counted.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// As many ports for each test as no two of them share, and for how many at once.
const ROOM: u16 = 4700;
const ROOMS: u16 = 5;

struct Demo {
    process: Process,
    /// What it said at the start.
    said: String,
    edge: Client,
    base: u16,
    folder: TempDir,
    /// Kept until its ports may be another test's.
    _room: File,
}

#[tokio::test]
async fn the_demo_runs_in_one_process_and_ends_with_ctrl_c() {
    smoke(&[]).await;
}

#[tokio::test]
async fn the_demo_runs_in_a_process_for_each_part_and_ends_with_ctrl_c() {
    smoke(&["--processes"]).await;
}

#[tokio::test]
async fn what_the_demo_says_to_paste_does_what_it_says() {
    let demo = Demo::start(&[]).await;
    assert_eq!(demo.side().await, demo.side().await);
    for (command, side) in [
        ("s/canary.percent = 25 /canary.percent = 100 /", "service"),
        ("s/canary.percent = 100 /canary.percent = 0 /", "legacy"),
    ] {
        demo.paste(command).await;
        assert_eq!(demo.side().await, side, "{command}");
    }
    demo.paste("s/canary.percent = 0 /canary.percent = 25 /")
        .await;

    // A mistake changes nothing but what is said.
    let before = demo.side().await;
    demo.paste_wrong("s/phase = \"canary\"/phase = \"cannary\"/")
        .await;
    assert_eq!(demo.side().await, before);
    demo.ends().await;
}

#[tokio::test]
async fn the_tour_of_a_page_shows_what_it_says() {
    let demo = Demo::start(&[]).await;
    let page = async |id: u64| {
        let path = format!("/web/products/{id}");
        demo.edge.get(&path).bearer(&demo.token()).send().await
    };
    // The reviews hang.
    let reviews = Client::new(SocketAddr::from(([127, 0, 0, 1], demo.base + 3)));
    let hang = format!(
        "curl -X PUT -d '{{\"hang\": true}}' http://127.0.0.1:{}/__stub",
        demo.base + 3
    );
    assert!(demo.said.contains(&hang), "{}", demo.said);
    let switch = reviews.request(&http::Method::PUT, "/__stub");
    switch.body(r#"{"hang": true}"#).send().await;
    let answer = page(8).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let degraded = answer.field("x-degraded").unwrap_or_default();
    assert!(degraded.contains("reviews;reason=timeout"), "{degraded}");
    let mend = reviews.request(&http::Method::DELETE, "/__stub");
    mend.send().await;
    assert_eq!(page(8).await.field("x-degraded"), None);

    // Products move; the rest of the page stays where it is.
    let side = |answer: &Answer, part: &str| answer.json()["_meta"]["parts"][part]["side"].clone();
    let before = page(7).await;
    demo.paste("s/canary.percent = 25 /canary.percent = 100 /")
        .await;
    let after = page(7).await;
    assert_eq!(side(&before, "product"), "legacy");
    assert_eq!(side(&after, "product"), "service");
    for part in ["reviews", "rating", "stock", "related"] {
        assert_eq!(side(&before, part), side(&after, part), "{part}");
    }
    demo.ends().await;
}

#[tokio::test]
async fn a_route_is_seen_before_it_moves_and_taken_back_as_the_tour_says() {
    let demo = Demo::start(&[]).await;
    let untouched = demo.routes();
    demo.traffic("mismatched").await;
    demo.says("banyan status", &["orders", "shadow", "100 % of 80"])
        .await;
    let found = demo.says("banyan diffs orders", &["[regression]"]).await;
    let found: Vec<&str> = found.lines().filter(|line| line.starts_with('$')).collect();
    assert!(found[0].starts_with("$.items[*].price  type  80 times"));
    assert_eq!(found.len(), 1, "the time of an answer is ignored");
    let refused = ["error: orders may not enter canary yet", "mismatch rate"];
    demo.says("banyan cutover orders --to canary", &refused)
        .await;
    assert_eq!(demo.routes(), untouched);

    demo.says(
        "curl -s -X PUT -d '{\"price_as_text\"",
        &["\"price_as_text\":false"],
    )
    .await;
    demo.traffic("ignored").await;
    let before = demo.process.stderr.count();
    demo.says(
        "banyan cutover orders --to canary",
        &["routes.toml is written"],
    )
    .await;
    demo.taken_over(before).await;
    demo.says(
        "for user in",
        &["alice x-served-by: legacy", "tara x-served-by: service"],
    )
    .await;

    let killed = ["canary -> legacy (killed by", "x-served-by: legacy"];
    demo.says("banyan kill orders", &killed).await;
    let why = ["declared        canary", "totals look wrong"];
    demo.says("banyan status orders", &why).await;
    let resumed = ["-> canary", "x-served-by: service"];
    demo.says("banyan resume orders", &resumed).await;
    let before = demo.process.stderr.count();
    demo.says(
        "banyan cutover orders --to shadow",
        &["canary 5 % -> shadow"],
    )
    .await;
    demo.taken_over(before).await;
    assert_eq!(demo.routes(), untouched);
    demo.ends().await;
}

#[tokio::test]
async fn the_judge_leaves_a_broken_service_as_the_tour_says() {
    let demo = Demo::start(&[]).await;
    demo.recommended("enough callers", |row| {
        row["judge"]["service"]["samples"].as_u64() >= Some(30)
    })
    .await;
    let waits = ["canary, steps 25, 50, 100", "step 1 of 3", "of 300 samples"];
    demo.says("banyan status recommended", &waits).await;
    let (routes, before) = (demo.routes(), demo.process.stderr.count());
    let anew = ["-> legacy", "legacy -> canary steps 25, 50, 100"];
    demo.says("banyan cutover recommended --to legacy", &anew)
        .await;
    demo.taken_over(before).await;
    assert_eq!(demo.routes(), routes);
    let breaks = "curl -s -X PUT -d '{\"error_rate\"";
    demo.says(breaks, &["\"error_rate\":0.5"]).await;
    demo.recommended("everybody back on legacy", |row| {
        row["effective"]["phase"] == "rolled_back"
    })
    .await;
    demo.says("banyan history recommended", &["rolled_back", "judge"])
        .await;
    demo.says("banyan resume recommended", &["-> canary 25 %"])
        .await;
    demo.ends().await;
}

async fn smoke(arguments: &[&str]) {
    let demo = Demo::start(arguments).await;
    // The edge comes first, then a line for each part.
    let edge = format!("http://127.0.0.1:{}", demo.base + 1080);
    let first = demo.said.lines().find(|line| line.contains("http://"));
    assert!(
        first.is_some_and(|line| line.ends_with(&edge)),
        "{}",
        demo.said
    );
    assert_eq!(demo.edge.get("/api/users/me").send().await.status, 401);
    let me = demo.edge.get("/api/users/me").bearer(&demo.token());
    assert_eq!(me.send().await.status, 200);
    for screen in ["/web/home", "/mobile/home"] {
        let answer = demo.edge.get(screen).bearer(&demo.token()).send().await;
        assert_eq!(answer.status, 200, "{screen}: {answer:?}");
        assert_eq!(answer.field("x-degraded"), None, "{screen}: {answer:?}");
    }
    demo.ends().await;
}

impl Demo {
    /// Starts it on ports of its own, beside a copy of the repository's routes file.
    async fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let routes = tree::read(Path::new("routes.toml"));
        std::fs::write(folder.path().join("routes.toml"), routes).unwrap();
        let (base, room) = free_base();
        let mut command = Command::new(binaries::demo());
        command
            .args(["--port-base", &base.to_string()])
            .args(arguments)
            .current_dir(folder.path());
        let process = Process::start("demo", &mut command);
        let last = |line: &str| line.contains(LAST).then_some(());
        process.stdout.find("the demo's last line", 0, last).await;
        Self {
            said: process.stdout.text(),
            edge: Client::new(SocketAddr::from(([127, 0, 0, 1], base + 1080))),
            process,
            base,
            folder,
            _room: room,
        }
    }

    /// The token that it shows.
    fn token(&self) -> String {
        let mut lines = self.said.lines().map(str::trim);
        let token = lines.find_map(|line| line.strip_prefix("TOKEN="));
        token
            .unwrap_or_else(|| panic!("no token in {}", self.said))
            .to_owned()
    }

    /// Which side answers the caller of the token.
    async fn side(&self) -> String {
        let request = self.edge.get("/api/products/7").bearer(&self.token());
        let answer = request.send().await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.field("x-served-by").unwrap().to_owned()
    }

    /// Runs the one command that it printed with this edit in it, and waits until the file rules.
    async fn paste(&self, edit: &str) {
        self.paste_until(edit, "taken over").await;
    }

    async fn paste_wrong(&self, edit: &str) {
        self.paste_until(edit, "routes.toml:").await;
    }

    async fn paste_until(&self, edit: &str, logged: &str) {
        let before = self.process.stderr.count();
        let commands = self.said.lines().map(str::trim);
        let first = commands.flat_map(|line| line.split("; "));
        let mut sed =
            first.filter(|command| command.starts_with("sed -i") && command.contains(edit));
        let sed = sed
            .next()
            .unwrap_or_else(|| panic!("no command with {edit} in {}", self.said));
        let mut bash = Command::new("bash");
        bash.args(["-c", sed]).current_dir(self.folder.path());
        assert!(bash.status().unwrap().success(), "{sed}");
        let found = |line: &str| line.contains(logged).then_some(());
        self.process.stderr.find(logged, before, found).await;
    }

    fn routes(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("routes.toml")).unwrap()
    }

    /// Runs the tour's traffic, and waits until that many pairs came to this.
    async fn traffic(&self, outcome: &str) {
        self.bash("traffic").await;
        let admin = Client::new(SocketAddr::from(([127, 0, 0, 1], self.base + 2900)));
        let compared = async {
            loop {
                let orders = admin.get("/migrations/orders").send().await.json();
                if orders["shadow"][outcome] == 80 {
                    return;
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        within(outcome, compared).await;
    }

    /// Waits until the judged route is as `wanted` says.
    async fn recommended(&self, what: &str, wanted: impl Fn(&Value) -> bool) {
        let admin = Client::new(SocketAddr::from(([127, 0, 0, 1], self.base + 2900)));
        let there = async {
            while !wanted(&admin.get("/migrations/recommended").send().await.json()) {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        within(what, there).await;
    }

    async fn taken_over(&self, before: usize) {
        let found = |line: &str| line.contains("taken over").then_some(());
        self.process.stderr.find("taken over", before, found).await;
    }

    /// Pastes the command of its tour that begins so, and looks for these words in what it says.
    async fn says(&self, beginning: &str, words: &[&str]) -> String {
        let command = self.tour().find_map(|line| {
            let at = line.find(beginning).filter(|_| !defines(line))?;
            (at == 0 || line[..at].ends_with("; ")).then(|| &line[at..])
        });
        let command = command.unwrap_or_else(|| panic!("no {beginning} in {}", self.said));
        let said = self.bash(command).await;
        for word in words {
            assert!(said.contains(word), "{command}: no {word:?} in\n{said}");
        }
        said
    }

    /// Runs something where everything is defined that the tour defines, with the gateway that has been built already.
    async fn bash(&self, command: &str) -> String {
        let built = binaries::banyan().display().to_string();
        let definitions: Vec<&str> = self.tour().filter(|line| defines(line)).collect();
        let definitions = definitions.join("\n");
        let definitions = definitions.replace("cargo run -q --release -p gateway --", &built);
        let script = format!("shopt -s expand_aliases\n{definitions}\n{command}");
        let mut bash = Command::new("bash");
        bash.args(["-c", &script]).current_dir(self.folder.path());
        let ended = Process::start("bash", &mut bash).ended().await;
        ended.stdout + &ended.stderr
    }

    /// The lines to paste.
    fn tour(&self) -> impl Iterator<Item = &str> {
        let lines = self.said.lines();
        lines.filter_map(|line| line.strip_prefix("  "))
    }

    /// Ctrl-C, and everything is gone.
    async fn ends(self) {
        self.process.signal(rustix::process::Signal::INT);
        let ended = self.process.ended().await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        for offset in OFFSETS {
            let address = SocketAddr::from(([127, 0, 0, 1], self.base + offset));
            assert!(
                TcpStream::connect(address).is_err(),
                "{address} still listens"
            );
        }
    }
}

/// Whether later commands need this one.
fn defines(line: &str) -> bool {
    line.starts_with("alias ") || line.starts_with("TOKEN=") || line.contains("() {")
}

/// A base from which all ports are free, below those that the system gives away, in a room that no other test on this
/// machine has meanwhile.
fn free_base() -> (u16, File) {
    let lock = |room: u16| {
        let path = std::env::temp_dir().join(format!("banyan-demo-ports-{room}.lock"));
        (room, File::create(path).unwrap())
    };
    let mut rooms = (0..ROOMS).map(lock);
    let found = rooms.find(|(_, lock)| lock.try_lock().is_ok());
    let (room, lock) = found.unwrap_or_else(|| {
        let (room, lock) = lock(0);
        lock.lock().unwrap();
        (room, lock)
    });
    let bases = (0..50).map(|step| BASE + 1000 + room * ROOM + step * 20);
    let free = |base: &u16| {
        OFFSETS
            .iter()
            .all(|offset| TcpListener::bind(("127.0.0.1", base + offset)).is_ok())
    };
    (bases.into_iter().find(free).unwrap(), lock)
}
