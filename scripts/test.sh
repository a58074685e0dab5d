#!/usr/bin/env bash
# Everything that must hold, from a bare clone: installs what is missing, then checks, builds and tests.
# Needs a Rust toolchain and, where something is missing, Debian's apt as root. `scripts/test.sh` and nothing else.
set -euo pipefail
cd "$(dirname "$0")/.."

nextest_version=0.9.143
deny_version=0.20.2
machete_version=0.9.2

target="${CARGO_TARGET_DIR:-$PWD/target}"
export CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-never}"
times=()
failed=()

# Runs one step to its end and goes on to the next, so that one run tells everything that is wrong.
step() {
    local name=$1 from=$SECONDS status verdict=""
    shift
    printf '\n==> %s\n' "$name"
    set +e
    (
        set -e
        "$@"
    )
    status=$?
    set -e
    if ((status != 0)); then
        failed+=("$name")
        verdict="  FAILED"
    fi
    times+=("$(printf '%5d s  %s%s' $((SECONDS - from)) "$name" "$verdict")")
}

# --- tools -------------------------------------------------------------------

packages() {
    local missing=()
    has() { command -v "$1" >/dev/null; }
    has git || missing+=(git)
    has patch || missing+=(patch)
    has cc || missing+=(gcc libc6-dev)
    has make || missing+=(make)
    has flock || missing+=(util-linux)
    has pgrep || missing+=(procps)
    has node && has npm || missing+=(nodejs npm)
    has redis-server || missing+=(redis-server)
    has chromium || missing+=(chromium)
    has python3 && python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3 python3-venv)
    if ((${#missing[@]} == 0)); then
        return
    fi
    echo "installing ${missing[*]}"
    if [[ $(id -u) != 0 ]] || ! has apt-get; then
        echo "not root on a Debian: please install them, then run this again" >&2
        return 1
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
}

# Built from source, minutes each: only where they are missing, and pinned. What is there is taken as it is.
cargo_tools() {
    cargo nextest --version >/dev/null 2>&1 || cargo install --locked --quiet "cargo-nextest@$nextest_version"
    command -v cargo-deny >/dev/null || cargo install --locked --quiet "cargo-deny@$deny_version"
    command -v cargo-machete >/dev/null || cargo install --locked --quiet "cargo-machete@$machete_version"
}

tools() {
    packages
    cargo_tools
    scripts/python-env.sh
    scripts/browser-env.sh
    # For every platform, so that `cargo deny` sees the whole graph without asking the network again.
    cargo fetch --locked --quiet
}

# --- checks ------------------------------------------------------------------

binaries() {
    cargo build --workspace --bins --locked
}

tests() {
    # The binaries of the step before, so that no test waits for a build.
    BANYAN_BIN_DIR="$target/debug" \
        cargo nextest run --workspace --locked --profile ci 2>&1 | tee "$target/nextest.log"
}

documentation() {
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet
}

# Secrets that an example takes from the environment have a value here.
examples() {
    local file name values
    while IFS= read -r -d '' file; do
        echo "$file"
        values=()
        for name in $(grep -v '^ *#' "$file" | grep -o '\${[A-Z_0-9]*}' | tr -d '${}'); do
            values+=("$name=only-for-this-check-only-for-this-check")
        done
        env "${values[@]}" "$target/debug/banyan" check "$file" >/dev/null
    done < <(find routes.toml docs deploy -name '*.toml' -print0)
}

dependencies() {
    cargo deny --offline check bans licenses sources
    cargo machete
}

step "tools" tools
if ((${#failed[@]})); then
    exit 1
fi
step "format" cargo fmt --all --check
step "spelling" "$target/python/bin/typos"
step "clippy" cargo clippy --workspace --all-targets --locked -- -D warnings
step "binaries" binaries
step "tests" tests
step "pages at a steady rate" env LONG_SECONDS=15 LONG_RATE=100 LONG_PROFILE=dev scripts/long.sh pages
step "examples in the documentation of the code" cargo test --workspace --doc --locked --quiet
step "documentation of the code" documentation
step "example routes files" examples
step "dependencies" dependencies

printf '\n==> all of it\n'
printf '%s\n' "${times[@]}"
printf '%5d s  together\n' "$SECONDS"
grep -E '^ +Summary ' "$target/nextest.log" || true
if ((${#failed[@]})); then
    printf 'failed: %s\n' "$(IFS=,; echo "${failed[*]}")" >&2
    exit 1
fi
