#!/usr/bin/env bash
# Lets in SSH, HTTP and HTTPS and nothing else. May be run again: rules that are there stay.
#   ufw.sh             default: everything may go out
#   ufw.sh --egress    only names, time, HTTP(S) and mail may go out
#   ufw.sh --dry-run   prints what would be done; --no-check skips the look for a listening SSH server
# SSH_PORT=22 ufw.sh for another port of SSH.
set -euo pipefail

ssh_port=${SSH_PORT:-2222}
egress=no dry_run=no check=yes
for argument in "$@"; do
    case $argument in
        --egress) egress=yes ;;
        --dry-run) dry_run=yes check=no ;;
        --no-check) check=no ;;
        *) echo "ufw.sh: unknown option $argument (--egress, --dry-run, --no-check)" >&2; exit 64 ;;
    esac
done

if [ "$check" = yes ] && [ -z "$(ss -Hltn "sport = :$ssh_port")" ]; then
    echo "ufw.sh: nobody listens on port $ssh_port: this would lock you out. Set SSH_PORT, or set up sshd first." >&2
    exit 1
fi

rule() {
    if [ "$dry_run" = yes ]; then echo "ufw $*"; else ufw "$@"; fi
}

rule default deny incoming
# Six connections within 30 seconds from one address, then none.
rule limit "$ssh_port/tcp"
rule allow 80/tcp
rule allow 443/tcp
if [ "$egress" = yes ]; then
    # 4460 is where chrony fetches the keys that vouch for the time (NTS).
    for port in 53 123/udp 4460/tcp 80/tcp 443/tcp 465/tcp 587/tcp; do rule allow out "$port"; done
    rule default deny outgoing
else
    rule default allow outgoing
fi
rule --force enable
