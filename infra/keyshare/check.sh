#!/usr/bin/env bash
# Checks the configurations of a key share node's host with the programs that read them.
set -euo pipefail
cd "$(dirname "$0")"
source ../checks.sh

check_vhost nginx.conf node.example /etc/letsencrypt/live/node.example
check_exposure assay-keyshare.service 15
check_units assay-keyshare.service
check_settings env.example

# In a network of its own: what the rules let through is tried in Tests/EndToEnd/test_keyshare_firewall.py.
if [ "$(id -u)" = 0 ] && unshare --net true 2>/dev/null; then
    unshare --net bash -c 'set -e; nft -c -f firewall.nft; ./firewall.sh; ./firewall.sh; ./firewall.sh --check; ./firewall.sh --undo' \
        >"$work/firewall" 2>&1 || { cat "$work/firewall" >&2; fail "the firewall's rules are not taken"; }
fi

if command -v shellcheck >/dev/null; then shellcheck -x firewall.sh database.sh check.sh ../checks.sh; fi
echo "the key share node's host configurations are valid"
