#!/usr/bin/env bash
# Lets in SSH and HTTPS and nothing else, on IPv4 and IPv6, and keeps ports that Docker publishes from everybody but those
# named here. May be run again; each family's rules change in one step, and running connections go on.
#   firewall.sh             applies the rules
#   firewall.sh --check     prints what is open; exit status 1 when the rules are not in force
#   firewall.sh --undo      takes them out again
#   firewall.sh --persist   saves what is in force for the next start (package netfilter-persistent)
# Lists are separated by blanks or commas, each entry an address or a network of either family:
#   SSH_FROM     who may use SSH; empty: everybody
#   PG_FROM      who may reach PostgreSQL from outside; empty: nobody
#   PROXY_FROM   proxies on other machines that may reach the node itself; empty: nobody
#   SERVER_PORT  the node's port, 4201     SSH_PORT  22     OPEN_TCP  ports for everybody, 443 (with 80: "443 80")
# Run it again after Docker was installed: the chain for its ports is Docker's.
set -euo pipefail
set -f
PATH="$PATH:/usr/sbin:/sbin"

die() { echo "firewall.sh: $*" >&2; exit "${status:-64}"; }

is_port() { [[ $1 =~ ^[1-9][0-9]{0,4}$ ]] && [ "$1" -le 65535 ]; }

# 4 or 6, or a failure. What an address may look like is checked here, since it becomes part of a rule.
family() {
    local address=${1%%/*} prefix="" part limit=32 groups
    [[ $1 == */* ]] && prefix=${1#*/}
    if [[ $address =~ ^([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})$ ]]; then
        for part in "${BASH_REMATCH[@]:1}"; do
            [[ $part =~ ^(0|[1-9][0-9]*)$ ]] && [ "$part" -le 255 ] || return 1
        done
    elif [[ $address =~ ^[0-9a-fA-F:]{2,39}$ && $address == *:* && $address != *:::* ]]; then
        limit=128
        groups=${address//[^:]/}
        [ "${#groups}" -le 7 ] && [[ ! $address =~ [0-9a-fA-F]{5} ]] || return 1
        [[ $address == *::* || ${#groups} == 7 ]] || return 1
        [[ $address == *::*::* ]] && return 1
        [[ $address =~ ^:[^:] || $address =~ [^:]:$ ]] && return 1
    else
        return 1
    fi
    if [[ $1 == */* ]]; then [[ $prefix =~ ^(0|[1-9][0-9]{0,2})$ ]] && [ "$prefix" -le "$limit" ] || return 1; fi
    if [ "$limit" = 32 ]; then echo 4; else echo 6; fi
}

# Checks the list of the variable $1.
check_list() {
    local entry
    [[ ${!1} != *$'\n'* ]] || die "$1 has more than one line"
    for entry in ${!1//,/ }; do
        family "$entry" >/dev/null || die "$1: '$entry' is neither an address nor a network"
        [[ $1 == SSH_FROM || $entry != */0 ]] || die "$1: '$entry' is everybody"
    done
}

# Those of the list $2 that are of family $1.
of_family() {
    local entry
    for entry in ${2//,/ }; do [ "$(family "$entry")" != "$1" ] || echo "$entry"; done
}

SSH_FROM=${SSH_FROM:-} PG_FROM=${PG_FROM:-} PROXY_FROM=${PROXY_FROM:-}
SERVER_PORT=${SERVER_PORT-4201} SSH_PORT=${SSH_PORT-22} OPEN_TCP=${OPEN_TCP:-443}
for name in SSH_FROM PG_FROM PROXY_FROM; do check_list "$name"; done
for name in SERVER_PORT SSH_PORT; do is_port "${!name}" || die "$name: '${!name}' is not a port"; done
for port in ${OPEN_TCP//,/ }; do
    is_port "$port" || die "OPEN_TCP: '$port' is not a port"
    if [ "$port" = 5432 ] || [ "$port" = "$SERVER_PORT" ]; then die "OPEN_TCP: $port must not be open to everybody"; fi
done

# The families of this host: 4, and 6 unless the kernel has none.
families=(4)
[ ! -e /proc/net/if_inet6 ] || families+=(6)
tables() { if [ "$1" = 4 ]; then iptables -w 10 "${@:2}"; else ip6tables -w 10 "${@:2}"; fi; }
for program in iptables iptables-restore ip6tables ip6tables-restore; do
    command -v "$program" >/dev/null || status=69 die "$program is missing: apt-get install iptables"
done
[ "$(id -u)" = 0 ] || status=77 die "run this as root"

has_chain() { tables "$1" -n -L "$2" >/dev/null 2>&1; }
has_jump() { tables "$1" -C "$2" -j "$3" 2>/dev/null; }

# What iptables-restore of family $1 is to do, in one step.
rules() {
    local version=$1 icmp types type from port new=
    if [ "$version" = 4 ]; then icmp="icmp --icmp-type" types="3 4 8 11"; else
        icmp="icmpv6 --icmpv6-type" types="1 2 3 4 128 133 134 135 136"
    fi
    echo '*filter'
    # A chain that is there is emptied by its name, and filled by the same commit.
    echo ':ASSAY-IN - [0:0]'
    echo '-A ASSAY-IN -i lo -j ACCEPT'
    echo '-A ASSAY-IN -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT'
    echo '-A ASSAY-IN -m conntrack --ctstate INVALID -j DROP'
    for type in $types; do echo "-A ASSAY-IN -p $icmp $type -j ACCEPT"; done
    if [ "$version" = 6 ]; then
        # Neighbours' multicast reports, and answers of a DHCP server on the same link.
        for type in 130 131 132 143; do echo "-A ASSAY-IN -s fe80::/10 -p $icmp $type -j ACCEPT"; done
        echo '-A ASSAY-IN -s fe80::/10 -p udp --dport 546 -j ACCEPT'
    fi
    if [ -z "${SSH_FROM//[ ,]/}" ]; then echo "-A ASSAY-IN -p tcp --dport $SSH_PORT -j ACCEPT"; fi
    for from in $(of_family "$version" "$SSH_FROM"); do
        echo "-A ASSAY-IN -p tcp --dport $SSH_PORT -s $from -j ACCEPT"
    done
    for port in ${OPEN_TCP//,/ }; do echo "-A ASSAY-IN -p tcp --dport $port -j ACCEPT"; done
    for from in $(of_family "$version" "$PG_FROM"); do echo "-A ASSAY-IN -p tcp --dport 5432 -s $from -j ACCEPT"; done
    for from in $(of_family "$version" "$PROXY_FROM"); do
        echo "-A ASSAY-IN -p tcp --dport $SERVER_PORT -s $from -j ACCEPT"
    done
    echo '-A ASSAY-IN -j DROP'
    has_jump "$version" INPUT ASSAY-IN || echo '-I INPUT 1 -j ASSAY-IN'
    if has_chain "$version" DOCKER-USER; then
        # Here the destination is the container's already: the port that was asked for is the connection's original one.
        new="-p tcp -m conntrack --ctdir ORIGINAL --ctorigdstport"
        echo ':ASSAY-FWD - [0:0]'
        echo '-A ASSAY-FWD -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN'
        # Containers may reach each other as Docker allows; a published port is one that was translated.
        for from in docker0 br-+; do echo "-A ASSAY-FWD -i $from -m conntrack ! --ctstate DNAT -j RETURN"; done
        for from in $(of_family "$version" "$PG_FROM"); do echo "-A ASSAY-FWD $new 5432 -s $from -j RETURN"; done
        for from in $(of_family "$version" "$PROXY_FROM"); do
            echo "-A ASSAY-FWD $new $SERVER_PORT -s $from -j RETURN"
        done
        for port in 5432 "$SERVER_PORT"; do echo "-A ASSAY-FWD $new $port -j DROP"; done
        echo '-A ASSAY-FWD -j RETURN'
        has_jump "$version" DOCKER-USER ASSAY-FWD || echo '-I DOCKER-USER 1 -j ASSAY-FWD'
    fi
    echo COMMIT
}

restore() { if [ "$1" = 4 ]; then iptables-restore -w 10 --noflush; else ip6tables-restore -w 10 --noflush; fi; }

apply() {
    local version text
    declare -A texts
    # Both families' rules are tried before the first is put in force.
    for version in "${families[@]}"; do
        text=$(rules "$version")
        texts[$version]=$text
        if [ "$version" = 4 ]; then iptables-restore --test --noflush <<<"$text"; else
            ip6tables-restore --test --noflush <<<"$text"
        fi
    done
    for version in "${families[@]}"; do restore "$version" <<<"${texts[$version]}"; done
    has_chain 4 DOCKER-USER || echo "firewall.sh: there is no Docker here; run this again when there is" >&2
    [ -z "${SSH_FROM//[ ,]/}" ] || echo "firewall.sh: keep this session until a new one works: SSH is for $SSH_FROM only" >&2
}

# In one step too: the jumps, then the chains.
undo() {
    local version chain parent
    for version in "${families[@]}"; do
        {
            echo '*filter'
            for chain in ASSAY-IN:INPUT ASSAY-FWD:DOCKER-USER; do
                parent=${chain#*:} chain=${chain%%:*}
                has_chain "$version" "$chain" || continue
                if has_chain "$version" "$parent"; then
                    tables "$version" -S "$parent" | sed -n "s/^-A \($parent .*-j $chain\)\$/-D \1/p"
                fi
                printf -- '-F %s\n-X %s\n' "$chain" "$chain"
            done
            echo COMMIT
        } | restore "$version"
    done
}

# The sources of the rules of family $1's chain $2 that let in port $3.
open_to() {
    local sources
    sources=$(tables "$1" -S "$2" | awk -v port="$3" '
        / -j (ACCEPT|RETURN)$/ {
            hit = 0; from = "everybody"
            for (i = 1; i <= NF; i++) {
                if (($i == "--dport" || $i == "--ctorigdstport") && $(i + 1) == port) hit = 1
                if ($i == "-s") from = $(i + 1)
            }
            if (hit) print from
        }' | paste -sd ' ')
    echo "${sources:-nobody}"
}

check() {
    local version port good=yes
    for version in "${families[@]}"; do
        if ! has_chain "$version" ASSAY-IN || ! has_jump "$version" INPUT ASSAY-IN; then
            echo "IPv$version: the rules are not in force: everything is open that listens"
            good=no
            continue
        fi
        for port in "$SSH_PORT" ${OPEN_TCP//,/ } "$SERVER_PORT" 5432; do
            echo "IPv$version: port $port of this host is open to $(open_to "$version" ASSAY-IN "$port")"
        done
        has_chain "$version" DOCKER-USER || continue
        if ! has_jump "$version" DOCKER-USER ASSAY-FWD; then
            echo "IPv$version: ports that Docker publishes are open: run this without --check"
            good=no
            continue
        fi
        for port in "$SERVER_PORT" 5432; do
            echo "IPv$version: port $port, published by Docker, is open to $(open_to "$version" ASSAY-FWD "$port")"
        done
    done
    [ "$good" = yes ]
}

case ${1:-} in
    "") apply ;;
    --check) check ;;
    --undo) undo ;;
    --persist)
        command -v netfilter-persistent >/dev/null ||
            status=69 die "netfilter-persistent is missing: apt-get install netfilter-persistent iptables-persistent"
        check >/dev/null || status=1 die "the rules are not in force: run this without --persist first"
        netfilter-persistent save
        ;;
    *) die "unknown option $1 (--check, --undo, --persist)" ;;
esac
