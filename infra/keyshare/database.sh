#!/bin/bash
# Makes the node's role and database where PostgreSQL's own image starts for the first time (compose.yaml). The role may make
# databases, which a restore needs, and is no superuser: what is restored is run with its rights. The superuser loses his
# password, so nobody logs in as him but from inside the database's container.
set -euo pipefail
# The image has read the password's file by now, and passes on what was in it.
export POSTGRES_PASSWORD=${POSTGRES_PASSWORD:-$(cat "${POSTGRES_PASSWORD_FILE:?neither POSTGRES_PASSWORD nor POSTGRES_PASSWORD_FILE is set}")}
[ -n "$POSTGRES_PASSWORD" ] || { echo "the database's password is empty" >&2; exit 1; }
psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set superuser="$POSTGRES_USER" --set role="$KEYSHARE_ROLE" --set database="$KEYSHARE_DATABASE" <<'SQL'
\set password `printf %s "$POSTGRES_PASSWORD"`
CREATE ROLE :"role" LOGIN CREATEDB PASSWORD :'password';
CREATE DATABASE :"database" OWNER :"role";
ALTER ROLE :"superuser" PASSWORD NULL;
SQL
