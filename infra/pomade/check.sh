#!/usr/bin/env bash
# Checks the configurations of a signer's host with the programs that read them. What is not installed is skipped and
# named, except nginx and systemd-analyze; CHECK_ALL=1 makes every program a must.
set -euo pipefail
cd "$(dirname "$0")"
source ../checks.sh

has() {
    command -v "$1" >/dev/null && return 0
    [ "${CHECK_ALL:-}" = 1 ] && fail "$1 is missing"
    echo "pomade: $1 is not installed: not checked: $2" >&2
    return 1
}

check_vhost nginx/pomade.conf signer.example /etc/letsencrypt/live/signer.example
check_exposure systemd/pomade-signer.service 15
check_units systemd/pomade-signer.service
check_settings env.example

if has sshd sshd/50-hardening.conf; then
    ssh-keygen -q -t ed25519 -N '' -f "$work/host-key"
    # sshd looks for this directory even when it only checks.
    [ "$(id -u)" != 0 ] || mkdir -p /run/sshd
    "$(command -v sshd)" -t -f sshd/50-hardening.conf -h "$work/host-key"
    "$(command -v sshd)" -T -f sshd/50-hardening.conf -h "$work/host-key" >"$work/sshd"
    while read -r key value; do
        grep -qix "$key $value" "$work/sshd" || fail "sshd does not take '$key $value'"
    done < <(grep -v '^#' sshd/50-hardening.conf)
fi

if has fail2ban-client fail2ban; then
    cp -r /etc/fail2ban "$work/fail2ban"
    cp fail2ban/jail.d/* "$work/fail2ban/jail.d/"
    sed -i "s#/var/log/nginx/#$work/#" "$work/fail2ban/jail.d/pomade.local"
    refusal='2026/11/21 18:00:00 [error] 7#7: *1 limiting requests, excess: 60.990 by zone "pomade_other", client: 192.0.2.7,'
    refusal+=' server: signer.example, request: "POST /challenge HTTP/2.0", host: "signer.example"'
    echo "$refusal" >"$work/pomade.error.log"
    fail2ban-client -c "$work/fail2ban" -t >"$work/fail2ban.log" 2>&1 || { cat "$work/fail2ban.log" >&2; fail fail2ban; }
    fail2ban-client -c "$work/fail2ban" -d >"$work/fail2ban.dump" 2>/dev/null
    for jail in sshd nginx-http-auth nginx-limit-req; do
        grep -q "\['add', '$jail'" "$work/fail2ban.dump" || fail "fail2ban: no jail $jail"
    done
    fail2ban-regex "$work/pomade.error.log" "$work/fail2ban/filter.d/nginx-limit-req.conf" >"$work/fail2ban.regex"
    grep -q '1 matched' "$work/fail2ban.regex" || fail "fail2ban does not understand what nginx logs"
fi

if has chronyd chrony/chrony.conf; then
    chronyd -p -f "$PWD/chrony/chrony.conf" >"$work/chrony" || fail chrony.conf
    [ "$(grep -c '^server' "$work/chrony")" -ge 4 ] || fail "chrony.conf: fewer than four servers"
fi

if has apt-config apt; then
    for file in apt/*; do APT_CONFIG="$PWD/$file" apt-config dump >/dev/null || fail "$file"; done
    APT_CONFIG="$PWD/apt/50unattended-upgrades" apt-config dump >"$work/apt"
    grep -q "^APT::ExtractTemplates::TempDir " "$work/apt" ||
        fail "apt/50unattended-upgrades: no TempDir"
fi

# Keys of a module that this kernel does not have are passed over with it; others have to exist.
while IFS=' =' read -r key _; do
    path=/proc/sys/${key//./\/}
    [ -e "$path" ] || [ ! -d "$(dirname "$path")" ] || fail "sysctl/60-pomade.conf: there is no $key"
done < <(grep -v '^#' sysctl/60-pomade.conf)
duplicates=$(grep -v '^#' sysctl/60-pomade.conf | cut -d' ' -f1 | sort | uniq -d)
[ -z "$duplicates" ] || fail "sysctl/60-pomade.conf: twice: $duplicates"

if has findmnt fstab/pomade.fstab; then
    findmnt --verify --tab-file fstab/pomade.fstab >"$work/fstab" 2>&1 ||
        { cat "$work/fstab" >&2; fail fstab/pomade.fstab; }
fi

if has python3 docker; then
    python3 -c 'import json, sys; json.load(open(sys.argv[1]))' docker/daemon.json
    if python3 -c 'import yaml' 2>/dev/null; then
        python3 -c 'import sys, yaml; yaml.safe_load(open(sys.argv[1]))' docker/compose.yml
    else
        echo "pomade: Python has no yaml: not checked: docker/compose.yml" >&2
    fi
fi

# The firewall, twice, in a network of its own and on copies of its files.
if has ufw ufw.sh && [ "$(id -u)" = 0 ] && unshare --net --mount iptables -L >/dev/null 2>&1; then
    cat >"$work/firewall" <<'SCRIPT'
set -euo pipefail
for directory in /etc/ufw /lib/ufw /etc/default; do
    copy=$1/$(echo "$directory" | tr / _)
    cp -r "$directory" "$copy"
    mount --bind "$copy" "$directory"
done
# A copy without rules: what this host has is its own matter.
cp /usr/share/ufw/iptables/user*.rules /etc/ufw/
ip link set lo up
for option in --no-check --egress; do
    ./ufw.sh "$option" --no-check >/dev/null
    ufw status verbose >"$1/first"
    ./ufw.sh "$option" --no-check >/dev/null
    ufw status verbose >"$1/second"
    cmp "$1/first" "$1/second"
    grep -q '^2222/tcp *LIMIT IN' "$1/second"
    grep -q '^443/tcp *ALLOW IN' "$1/second"
    [ "$option" = --no-check ] || grep -q '^Default: deny (incoming), deny (outgoing)' "$1/second"
done
SCRIPT
    unshare --net --mount bash "$work/firewall" "$work" >"$work/firewall.log" 2>&1 ||
        { cat "$work/firewall.log" >&2; fail "ufw.sh"; }
else
    # Read whole: a pipe that is closed early would count as a failure.
    rules=$(./ufw.sh --dry-run)
    grep -qx 'ufw limit 2222/tcp' <<<"$rules" || fail ufw.sh
fi
SSH_PORT=1 ./ufw.sh 2>/dev/null && fail "ufw.sh: went on without an SSH server"

if has shellcheck scripts; then shellcheck -x ufw.sh certbot/reload-nginx.sh check.sh; fi
echo "the signer's host configurations are valid"
