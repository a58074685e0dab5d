//! Python programs that nobody here wrote, above all monoliths: httpbin under gunicorn, and a fresh Django project with its
//! admin.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::process::Process;
use crate::tree;

/// Who may log in to Django's admin.
pub const ADMIN: &str = "root";

/// With what.
pub const ADMIN_PASSWORD: &str = "only-for-this-test";

/// A foreign web application that listens. Dropping it ends it.
#[derive(Debug)]
pub struct Monolith {
    /// Where it listens.
    pub address: SocketAddr,
    _process: Process,
    _folder: TempDir,
}

impl Monolith {
    /// The usual echo of everything HTTP.
    pub async fn httpbin() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut command = program("gunicorn", folder.path());
        command.args(["httpbin:app", "--bind", "127.0.0.1:0", "--workers", "1"]);
        // Threads, so that a slow stream does not hold up the next request.
        command.args(["--worker-class", "gthread", "--threads", "8"]);
        command.args(["--no-control-socket"]);
        Self::listening("gunicorn", command, folder, |process| &process.stderr).await
    }

    /// A project as `django-admin` makes it, with its tables and one superuser.
    pub async fn django() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let run = async |program: &str, arguments: &[&str]| {
            let mut command = self::program(program, folder.path());
            command.args(arguments);
            let ended = Process::start(program, &mut command).ended().await;
            assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
        };
        run("django-admin", &["startproject", "shop", "."]).await;
        run("python", &["manage.py", "migrate", "--verbosity", "0"]).await;
        run("python", &["manage.py", "createsuperuser", "--noinput"]).await;
        let mut command = program("python", folder.path());
        command.args(["manage.py", "runserver", "--noreload", "127.0.0.1:0"]);
        Self::listening("django", command, folder, |process| &process.stdout).await
    }

    /// As `banyan init --legacy` wants it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    async fn listening(
        name: &str,
        mut command: Command,
        folder: TempDir,
        says: impl Fn(&Process) -> &crate::process::Lines,
    ) -> Self {
        let process = Process::start(name, &mut command);
        let address = says(&process)
            .find(&format!("the address of {name}"), 0, address_in)
            .await;
        Self {
            address,
            _process: process,
            _folder: folder,
        }
    }
}

/// A program of the tests' Python environment, which is made when it is missing.
pub fn program(name: &str, folder: &Path) -> Command {
    let mut command = Command::new(home().join("bin").join(name));
    command
        .current_dir(folder)
        .env("PYTHONUNBUFFERED", "1")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("DJANGO_SUPERUSER_USERNAME", ADMIN)
        .env("DJANGO_SUPERUSER_PASSWORD", ADMIN_PASSWORD)
        .env("DJANGO_SUPERUSER_EMAIL", "root@example.org");
    command
}

fn home() -> PathBuf {
    prepare("python-env.sh");
    tree::target().join("python")
}

/// Runs one of the scripts that install what a test needs; a moment when it is there already.
pub(crate) fn prepare(script: &str) {
    let path = tree::root().join("scripts").join(script);
    let prepared = Command::new(&path).output();
    let prepared = prepared.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(
        prepared.status.success(),
        "{script}: {}",
        String::from_utf8_lossy(&prepared.stderr)
    );
}

/// The address in a line such as `Listening at: http://127.0.0.1:40001 (7)`.
fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("http://")?;
    let end = rest.find([' ', '/']).unwrap_or(rest.len());
    rest[..end].parse().ok()
}
