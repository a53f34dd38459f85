#!/usr/bin/env bash
# Checks the configurations of a key share node's host with the programs that read them.
set -euo pipefail
cd "$(dirname "$0")"
PATH="$PATH:/usr/sbin:/sbin"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { echo "infra/keyshare: $*" >&2; exit 1; }

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=node.example \
    -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
sed -e "s#/etc/letsencrypt/live/node.example/fullchain.pem#$work/cert.pem#" \
    -e "s#/etc/letsencrypt/live/node.example/privkey.pem#$work/key.pem#" -e "s#/var/log/nginx/#$work/#" \
    nginx.conf >"$work/keyshare.conf"
cat >"$work/nginx.conf" <<CONF
pid $work/nginx.pid;
error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path $work/body;
    proxy_temp_path $work/proxy;
    include $work/keyshare.conf;
}
CONF
nginx -t -q -c "$work/nginx.conf"

# systemd: the scale goes to 100.
unit=assay-keyshare.service
systemd-analyze security --offline=true --threshold=15 "$unit" >"$work/exposure" ||
    { grep -v '✓' "$work/exposure" >&2; fail "$unit: exposure above 15 of 100"; }
printf '#!/bin/sh\n' >"$work/assay"
chmod +x "$work/assay"
sed "s#/opt/assay/current/bin/assay#$work/assay#" "$unit" >"$work/$unit"
complaints=$(systemd-analyze verify --man=no "$work/$unit" 2>&1 | grep -F "$unit" || true)
[ -z "$complaints" ] || fail "$complaints"

# What an operator copies must be readable as systemd and Docker read it: NAME=value lines.
grep -vE '^(#.*|[A-Z_0-9]+=.*|)$' env.example && fail "env.example: not NAME=value"

# In a network of its own: what the rules let through is tried in Tests/EndToEnd/test_keyshare_firewall.py.
if [ "$(id -u)" = 0 ] && unshare --net true 2>/dev/null; then
    unshare --net bash -c 'set -e; nft -c -f firewall.nft; ./firewall.sh; ./firewall.sh; ./firewall.sh --check; ./firewall.sh --undo' \
        >"$work/firewall" 2>&1 || { cat "$work/firewall" >&2; fail "the firewall's rules are not taken"; }
fi

if command -v shellcheck >/dev/null; then shellcheck firewall.sh check.sh; fi
echo "the key share node's host configurations are valid"
