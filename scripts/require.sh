#!/bin/sh
# Sees to it that the named programs are here: installs their Debian packages where it may, else says what is missing.
# Usage: require.sh {python|node|japanese-font|PROGRAM}...; a program's Debian package has its name or stands below
set -eu

usable() {
    case $1 in
    python) python3 -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' ;;
    node) node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' &&
        npm --version ;;
    japanese-font) [ -n "$(fc-list :lang=ja)" ] ;;
    *) command -v "$1" ;;
    esac >/dev/null 2>&1
}

packages() {
    case $1 in
    python) echo python3 python3-venv ;;
    node) echo nodejs npm ;;
    japanese-font) echo fontconfig fonts-noto-cjk ;;
    ip) echo iproute2 ;;
    ssh) echo openssh-client ;;
    sshd) echo openssh-server ;;
    *) echo "$1" ;;
    esac
}

needs() {
    case $1 in
    python) echo 'Python 3.11 or newer with venv' ;;
    node) echo 'Node.js 20.19 or newer with npm' ;;
    japanese-font) echo 'a font with Japanese characters' ;;
    *) echo "$1" ;;
    esac
}

missing=''
for name; do
    usable "$name" || missing="$missing $name"
done
[ -n "$missing" ] || exit 0

as_root=''
if [ "$(id -u)" != 0 ]; then
    as_root='sudo -n'
fi
if command -v apt-get >/dev/null && $as_root true 2>/dev/null; then
    wanted=''
    for name in $missing; do
        wanted="$wanted $(packages "$name")"
    done
    echo "Installing$wanted" >&2
    # shellcheck disable=SC2086  # lists of words
    { $as_root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $wanted; } >&2 || true
fi

status=0
for name in $missing; do
    if ! usable "$name"; then
        echo "Missing: $(needs "$name"). On Debian: apt-get install $(packages "$name")" >&2
        status=1
    fi
done
exit $status
