#!/usr/bin/env bash
# Checks the shipped configurations with the programs that read them: nginx, promtool, systemd-analyze, and others for
# the hosts of signers and key share nodes (pomade/check.sh, keyshare/check.sh).
set -euo pipefail
cd "$(dirname "$0")"

source ./checks.sh

check_vhost nginx/assay.conf assay.example /etc/assay/tls
cat >"$work/nginx-stream.conf" <<CONF
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
pid $work/nginx.pid;
error_log stderr;
events {}
include $PWD/nginx/roughtime-stream.conf;
CONF
nginx -t -q -c "$work/nginx-stream.conf"
promtool check rules prometheus/alerts.yml >/dev/null
promtool test rules prometheus/alerts_test.yml >/dev/null || { promtool test rules prometheus/alerts_test.yml >&2; exit 1; }
promtool check config --syntax-only prometheus/prometheus.yml >/dev/null
command -v systemd-analyze >/dev/null || fail "systemd-analyze is missing: apt-get install systemd"
for unit in systemd/*.service; do
    # What holds or is vouched for by the server's identity is kept tighter.
    case $unit in */assay-roughtime*) check_exposure "$unit" 5 ;; *) check_exposure "$unit" 30 ;; esac
done
units=()
for unit in systemd/assay-roughtime*; do
    case $unit in *.conf) ;; *) units+=("$unit") ;; esac
done
check_units "${units[@]}"
complaints=$(systemd-sysusers --dry-run "$PWD/systemd/assay-roughtime.sysusers.conf" 2>&1 | grep -F sysusers.conf || true)
[ -z "$complaints" ] || fail "$complaints"
if command -v make >/dev/null; then
    for target in help setup deploy install releases rollback rollback-n verify status logs server-restart; do
        make --dry-run --no-print-directory "$target" N=1 HOST=host ARCHIVE=file >/dev/null
    done
fi
pomade/check.sh
keyshare/check.sh
echo "configurations are valid"
