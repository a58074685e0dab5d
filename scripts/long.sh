#!/usr/bin/env bash
# What needs minutes to be seen, run by hand before a release: `scripts/long.sh [pages|screens|openapi|shadow|state|judge|resilience]...`; all
# without a word. `scripts/test.sh` runs short forms of the same. Needs what that installs.
set -euo pipefail
cd "$(dirname "$0")/.."

target="${CARGO_TARGET_DIR:-$PWD/target}"
seconds="${LONG_SECONDS:-600}"
rate="${LONG_RATE:-1000}"
profile="${LONG_PROFILE:-release}"

# Pages through the whole house at a steady rate: no failed request, and memory stays as it is.
pages() {
    local folder base=27000 pid status=0 built="$target/$profile"
    [[ $profile == dev ]] && built="$target/debug"
    cargo build --locked --profile "$profile" -p demo -p bench
    folder=$(mktemp -d)
    cp routes.toml "$folder"
    # Pages of a load generator all come from one address; its limits are not what is looked at.
    sed -i 's/^rate_limit = .*/rate_limit = []/' "$folder/routes.toml"
    (cd "$folder" && exec "$built/demo" --processes --port-base "$base" >demo.out 2>demo.err) &
    pid=$!
    until grep -q 'Ctrl-C ends' "$folder/demo.out" 2>/dev/null; do
        kill -0 "$pid" || { cat "$folder/demo.err"; return 1; }
        sleep 0.2
    done
    local bff edge
    for bff in bff-web bff-mobile; do
        edge="http://127.0.0.1:$((base + 1080))"
        local screen="$edge/web/products/7"
        [[ $bff == bff-mobile ]] && screen="$edge/mobile/products/7"
        echo "==> $bff: $screen at $rate/s for $seconds s"
        "$built/bench" soak --url "$screen" --rate "$rate" --seconds "$seconds" \
            --pid "$(pgrep -f -- "--only $bff .*--port-base $base")" || status=1
    done
    kill -INT "$pid"
    wait "$pid" || status=1
    rm -rf "$folder"
    return "$status"
}

# Cutovers under load lose no page and mix no sides; kills lose only what the killed one was at.
screens() {
    BANYAN_ROLLOUTS="${LONG_ROLLOUTS:-30}" BANYAN_KILLS="${LONG_KILLS:-50}" \
        cargo test --locked -p tests --test screens -- --test-threads 1 under_load of_two_bffs
}

# The descriptions of both BFFs and of admin, tried out with many more examples.
openapi() {
    # By cargo's own runner, which lets a test take its time.
    BANYAN_OPENAPI_CASES="${LONG_CASES:-1000}" \
        cargo test --locked -p tests --test openapi --test admin_api -- --test-threads 1
}

# A service that gets copies and hangs, breaks off and never stops talking: memory stays bounded.
shadow() {
    BANYAN_SHADOW_SECONDS="$seconds" cargo test --locked -p tests --test shadow_trouble -- --test-threads 1 as_long_as
}

# A gateway that is killed at any moment knows afterwards what was counted and said.
state() {
    BANYAN_STATE_KILLS="${LONG_KILLS:-50}" cargo test --locked -p tests --test state -- --test-threads 1 killed_at_any_moment
    BANYAN_WEBHOOK_KILLS="${LONG_KILLS:-50}" cargo test --locked -p tests --test webhooks -- --test-threads 1 after_kills
}

# Canaries led by the judge: steps of minutes, rollouts of sides that are alike, kills in the middle of a step.
judge() {
    BANYAN_JUDGE_STEP_SECONDS="$((seconds / 5))" BANYAN_JUDGE_ROLLOUTS="${LONG_ROLLOUTS:-30}" BANYAN_JUDGE_KILLS="${LONG_KILLS:-50}" \
        cargo test --locked -p tests --test judge -- --test-threads 1
}

# Endpoints that come and go by the thousand under load: no failed request, and memory stays as it is.
resilience() {
    BANYAN_ENDPOINT_CHANGES="${LONG_CHANGES:-10000}" cargo test --locked -p tests --test resilience -- --test-threads 1 come_and_go
}

for what in "${@:-pages screens openapi shadow state judge resilience}"; do
    for step in $what; do
        echo "==> $step"
        "$step"
    done
done
