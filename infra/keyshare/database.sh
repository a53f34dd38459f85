#!/bin/bash
# Makes the node's role and database where PostgreSQL's own image starts for the first time (compose.yaml). The role may make
# databases, which a restore needs, and is no superuser: what is restored is run with its rights. The superuser gets no
# password, so nobody logs in as him but from inside the database's container.
set -euo pipefail
psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set superuser="$POSTGRES_USER" --set role="$KEYSHARE_ROLE" --set database="$KEYSHARE_DATABASE" <<'SQL'
\set password `cat "$POSTGRES_PASSWORD_FILE"`
CREATE ROLE :"role" LOGIN CREATEDB PASSWORD :'password';
CREATE DATABASE :"database" OWNER :"role";
ALTER ROLE :"superuser" PASSWORD NULL;
SQL
