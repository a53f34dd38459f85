# shellcheck shell=bash
# What the checks of the shipped configurations share; sourced in the directory of the files that are checked.
PATH="$PATH:/usr/sbin:/sbin"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { echo "${PWD##*/}: $*" >&2; exit 1; }

# check_vhost FILE NAME DIRECTORY: nginx takes a virtual host whose certificate stands in the directory.
check_vhost() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj "/CN=$2" \
        -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
    sed -e "s#$3/fullchain.pem#$work/cert.pem#" -e "s#$3/privkey.pem#$work/key.pem#" -e "s#/var/log/nginx/#$work/#" \
        "$1" >"$work/vhost.conf"
    cat >"$work/nginx.conf" <<CONF
pid $work/nginx.pid;
error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path $work/body;
    proxy_temp_path $work/proxy;
    include $work/vhost.conf;
}
CONF
    nginx -t -q -c "$work/nginx.conf"
}

# check_exposure UNIT MOST: what systemd says of a service's exposure; the scale goes to 100.
check_exposure() {
    systemd-analyze security --offline=true --threshold="$2" "$1" >"$work/exposure" ||
        { grep -v '✓' "$work/exposure" >&2; fail "$1: exposure above $2 of 100"; }
}

# check_units UNIT...: systemd takes the units. The program is not installed here: a stand-in lets everything else of them be
# looked at.
check_units() {
    install -d "$work/units"
    printf '#!/bin/sh\n' >"$work/assay"
    chmod +x "$work/assay"
    local unit
    for unit in "$@"; do sed "s#/opt/assay/current/bin/assay#$work/assay#" "$unit" >"$work/units/${unit##*/}"; done
    local complaints
    # Complaints about the host's own units are not ours.
    complaints=$(systemd-analyze verify --man=no "$work"/units/* 2>&1 | grep -F "$(cd "$work/units" && ls)" || true)
    [ -z "$complaints" ] || fail "$complaints"
}

# check_settings FILE: what an operator copies must be readable as systemd and Docker read it, NAME=value lines.
check_settings() {
    local others
    others=$(grep -vE '^(#.*|[A-Z_0-9]+=.*|)$' "$1" || true)
    [ -z "$others" ] || fail "$1: not NAME=value: $others"
}
