#!/usr/bin/env bash
# Checks the shipped configurations with the programs that read them: nginx, promtool, systemd-analyze, and others for a
# signer's host (pomade/check.sh).
set -euo pipefail
cd "$(dirname "$0")"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=assay.example \
    -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
sed -e "s#/etc/assay/tls/fullchain.pem#$work/cert.pem#" -e "s#/etc/assay/tls/privkey.pem#$work/key.pem#" \
    nginx/assay.conf >"$work/assay.conf"
cat >"$work/nginx.conf" <<CONF
pid $work/nginx.pid;
error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path $work/body;
    proxy_temp_path $work/proxy;
    include $work/assay.conf;
}
CONF
PATH="$PATH:/usr/sbin" nginx -t -q -c "$work/nginx.conf"
cat >"$work/nginx-stream.conf" <<CONF
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
pid $work/nginx.pid;
error_log stderr;
events {}
include $PWD/nginx/roughtime-stream.conf;
CONF
PATH="$PATH:/usr/sbin" nginx -t -q -c "$work/nginx-stream.conf"
promtool check rules prometheus/alerts.yml >/dev/null
promtool test rules prometheus/alerts_test.yml >/dev/null || { promtool test rules prometheus/alerts_test.yml >&2; exit 1; }
promtool check config --syntax-only prometheus/prometheus.yml >/dev/null
command -v systemd-analyze >/dev/null || { echo "systemd-analyze is missing: apt-get install systemd" >&2; exit 1; }
for unit in systemd/*.service; do
    # The scale goes to 100. What holds or is vouched for by the server's identity is kept tighter.
    case $unit in */assay-roughtime*) threshold=5 ;; *) threshold=30 ;; esac
    systemd-analyze security --offline=true --threshold="$threshold" "$unit" >"$work/exposure" ||
        { echo "$unit: exposure above $threshold of 100" >&2; grep -v '✓' "$work/exposure" >&2; exit 1; }
done
# The program is not installed here: a stand-in lets everything else of the units be looked at.
install -d "$work/units"
printf '#!/bin/sh\n' >"$work/assay"
chmod +x "$work/assay"
for unit in systemd/assay-roughtime*; do
    case $unit in *.conf) continue ;; esac
    sed "s#/opt/assay/current/bin/assay#$work/assay#" "$unit" >"$work/units/${unit##*/}"
done
complaints=$(systemd-analyze verify --man=no "$work"/units/* 2>&1 | grep -F "$work/units" || true)
[ -z "$complaints" ] || { echo "$complaints" >&2; exit 1; }
complaints=$(systemd-sysusers --dry-run "$PWD/systemd/assay-roughtime.sysusers.conf" 2>&1 | grep -F sysusers.conf || true)
[ -z "$complaints" ] || { echo "$complaints" >&2; exit 1; }
if command -v make >/dev/null; then
    for target in help setup deploy install releases rollback rollback-n verify status logs server-restart; do
        make --dry-run --no-print-directory "$target" N=1 HOST=host ARCHIVE=file >/dev/null
    done
fi
pomade/check.sh
keyshare/check.sh
echo "configurations are valid"
