#!/usr/bin/env bash
# Measures the gateway beside its competitors: `bench/run.sh plain [--rounds N] [--seconds N] [--targets banyan,nginx]`.
# Installs what is missing (Debian's nginx and wrk) and builds what is measured. See bench/README.md.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
command -v nginx >/dev/null || missing+=(nginx-light)
command -v wrk >/dev/null || missing+=(wrk)
command -v taskset >/dev/null || missing+=(util-linux)
if ((${#missing[@]})); then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
fi

target="${CARGO_TARGET_DIR:-target}"
cargo build --quiet --locked -p bench
# `--targets nginx` alone needs no gateway.
if [[ " $* " != *" --targets nginx "* ]]; then
    cargo build --quiet --locked --profile dist -p gateway
fi
exec "$target/debug/bench" "$@"
