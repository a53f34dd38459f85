#!/bin/sh
# For cron: checks the service, remembers what it told, and tells about changes only.
#   */5 * * * * /opt/assay/current/scripts/health-check.sh
# Settings: HEALTH_URL, HEALTH_STATE, HEALTH_NOTIFY (a command that reads the message), HEALTH_WEBHOOK, HEALTH_PING.
set -eu
program=${HEALTH_PROGRAM:-$(command -v assay || echo /opt/assay/current/bin/assay)}
[ -x "$program" ] || { echo "health-check: $program is not there; set HEALTH_PROGRAM" >&2; exit 69; }
set -- --url "${HEALTH_URL:-http://127.0.0.1:3000}" --state "${HEALTH_STATE:-/var/lib/assay/health.json}" --quiet
[ -z "${HEALTH_NOTIFY:-}" ] || set -- "$@" --notify "$HEALTH_NOTIFY"
[ -z "${HEALTH_WEBHOOK:-}" ] || set -- "$@" --webhook "$HEALTH_WEBHOOK"
[ -z "${HEALTH_PING:-}" ] || set -- "$@" --ping "$HEALTH_PING"
exec "$program" healthcheck "$@"
