#!/bin/sh
# Writes what the images install, with hashes, from the one lock: service/requirements/. Part of `make format`.
# Usage: requirements.sh [--check]    --check only compares; part of `make lint`. UV names the uv to use.
set -eu
cd "$(dirname "$0")/.."

export_locked() {
    "${UV:-uv}" export --locked --quiet --no-header --no-annotate --no-emit-workspace "$@"
}

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
for engine in whisper qwen2-audio; do
    export_locked --package kikitori --no-dev --extra "$engine" >"$fresh/$engine.txt"
done
export_locked --only-group image >"$fresh/image.txt"

if [ "${1:-}" = --check ]; then
    diff -ru service/requirements "$fresh" || {
        echo 'service/requirements/ is not what uv.lock says. Renew it: make format' >&2
        exit 1
    }
else
    cp "$fresh"/*.txt service/requirements/
fi
