#!/usr/bin/env bash
# Installs the pinned driver with which the tests steer a real browser, into tests/browser/node_modules.
# Does nothing when it is there already; two callers at once end up with one.
set -euo pipefail
cd "$(dirname "$0")/../tests/browser"

stamp=node_modules/.made-from

exec 9>../../target/browser.lock
flock 9
if cmp -s package-lock.json "$stamp"; then
    exit 0
fi
npm ci --silent --no-audit --no-fund --ignore-scripts
cp package-lock.json "$stamp"
