# Shared by scripts/run and scripts/test: finds the toolchain and installs Debian packages that are missing.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }
die() { printf 'assay: %s\n' "$*" >&2; exit "${2:-69}"; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else die "root or sudo is needed to install packages; as root run: apt-get install --no-install-recommends $*"
    fi
}

is_installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# Installs those of the given Debian packages that are missing; quick when none is.
install_packages() {
    local missing=() package
    for package in "$@"; do is_installed "$package" || missing+=("$package"); done
    [ "${#missing[@]}" = 0 ] && return 0
    command -v apt-get >/dev/null || die "this script installs Debian packages; install by hand: ${missing[*]}"
    say "Installing ${missing[*]}"
    # The program starts its own cluster: Debian's would only take port 5432 and memory.
    if ! is_installed postgresql-common && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
        as_root mkdir -p /etc/postgresql-common
        printf 'create_main_cluster = false\n' | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
    fi
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

BUILD_PACKAGES=(ca-certificates git libsecp256k1-dev libpq-dev zlib1g-dev libyaml-dev libssl-dev libsodium-dev libargon2-dev
    libcurl4-openssl-dev pkg-config g++ libc6-dev)
RUN_PACKAGES=(postgresql)

# Puts a Swift toolchain of 6.3 or newer on the PATH, or says how to get one.
find_swift() {
    local candidate version
    for candidate in "$(command -v swift || true)" "$HOME/.local/share/swiftly/bin/swift" /opt/swift/usr/bin/swift \
        /usr/local/swift/usr/bin/swift /usr/bin/swift; do
        [ -x "$candidate" ] || continue
        version=$("$candidate" --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+)\.([0-9]+).*/\1 \2/p' | head -n 1)
        [ -n "$version" ] || continue
        # shellcheck disable=SC2086
        set -- $version
        if [ "$1" -gt 6 ] || { [ "$1" = 6 ] && [ "$2" -ge 3 ]; }; then
            PATH="$(dirname "$candidate"):$PATH"
            export PATH
            return 0
        fi
    done
    die "no Swift 6.3 toolchain found: install swiftly (https://www.swift.org/install/linux/) and run 'swiftly install 6.3', or use infra/Dockerfile (image swift:6.3-bookworm)"
}

# Builds the program for use; prints its path.
build_release() {
    say "Building assay (the first build takes a few minutes)"
    swift build -c release --product assay --static-swift-stdlib --jobs "$(nproc)" >&2
    local bin
    bin=$(swift build -c release --product assay --static-swift-stdlib --show-bin-path)
    local commit
    commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
    printf '{"version":"0.1.0","commit":"%s","buildDate":"%s"}\n' "$commit" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" \
        >"$bin/build-info.json"
    printf '%s/assay\n' "$bin"
}
