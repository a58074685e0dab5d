#!/usr/bin/env bash
# Makes target/python, the virtual environment with the pinned Python applications that the tests run behind the edge.
# Does nothing when it is there already; two callers at once end up with one.
set -euo pipefail
cd "$(dirname "$0")/.."

requirements=tests/python/requirements.txt
home="${CARGO_TARGET_DIR:-target}/python"
stamp="$home/made-from"

mkdir -p "$home"
exec 9>"$home.lock"
flock 9
if cmp -s "$requirements" "$stamp"; then
    exit 0
fi
python3 -m venv --clear "$home"
"$home/bin/pip" install --quiet --disable-pip-version-check --only-binary=:all: -r "$requirements"
cp "$requirements" "$stamp"
