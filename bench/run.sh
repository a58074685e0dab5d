#!/usr/bin/env bash
# Measures side by side: `bench/run.sh plain|bff [--rounds N] [--seconds N] [--targets A,B]`; or one server for minutes:
# `bench/run.sh soak --url URL --pid PID`. Installs what is missing and builds what is measured. See bench/README.md.
set -euo pipefail
cd "$(dirname "$0")/.."

target="${CARGO_TARGET_DIR:-target}"
scenario="${1:-}"
arguments=" $* "

# Each as command:package.
install() {
    local pair missing=()
    for pair in "$@"; do
        command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
    done
    if ((${#missing[@]})); then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
    fi
}

# Whether one of these targets is measured; all are, unless some are named.
wants() {
    local name
    [[ $arguments =~ \ --targets[=\ ]([^\ ]+) ]] || return 0
    for name in "$@"; do
        [[ ,${BASH_REMATCH[1]}, != *",$name,"* ]] || return 0
    done
    return 1
}

# What is shipped, as it is shipped.
build() {
    cargo build --quiet --locked --profile dist -p "$1"
}

# The BFFs on Node, and the pinned release of Node itself.
node_modules() (
    cd bench/node-bff
    stamp=node_modules/.made-from
    if ! cmp -s package-lock.json "$stamp"; then
        npm ci --silent --no-audit --no-fund --ignore-scripts
        cp package-lock.json "$stamp"
    fi
)

case "$scenario" in
    plain)
        install taskset:util-linux wrk:wrk nginx:nginx-light
        if wants banyan legacy shadow canary; then build gateway; fi
        ;;
    bff)
        install taskset:util-linux wrk:wrk
        if wants node node-tuned; then
            install npm:npm
            node_modules
        fi
        if wants banyan; then build bff-mobile; fi
        ;;
esac
# What measures shares a core with the load and must not be slow.
cargo build --quiet --locked --release -p bench
exec "$target/release/bench" "$@"
