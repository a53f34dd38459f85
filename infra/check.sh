#!/usr/bin/env bash
# Checks the shipped configurations with the programs that read them: nginx, promtool, systemd-analyze where present.
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
promtool check rules prometheus/alerts.yml >/dev/null
promtool test rules prometheus/alerts_test.yml >/dev/null || { promtool test rules prometheus/alerts_test.yml >&2; exit 1; }
promtool check config --syntax-only prometheus/prometheus.yml >/dev/null
if command -v systemd-analyze >/dev/null; then
    for unit in systemd/*.service; do
        systemd-analyze security --offline=true --threshold=30 "$unit" >/dev/null ||
            { echo "$unit: exposure above 3.0" >&2; exit 1; }
    done
fi
if command -v make >/dev/null; then
    for target in help setup deploy install releases rollback rollback-n verify status logs server-restart; do
        make --dry-run --no-print-directory "$target" N=1 HOST=host ARCHIVE=file >/dev/null
    done
fi
echo "configurations are valid"
