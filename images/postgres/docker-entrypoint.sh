#!/bin/sh
# Makes the cluster and its database where there is none yet, then becomes the server.
set -eu

if ! getent passwd "$(id -u)" > /dev/null; then
    # PostgreSQL wants a name for its user; any will do.
    export NSS_WRAPPER_PASSWD=/tmp/passwd NSS_WRAPPER_GROUP=/tmp/group
    echo "postgres:x:$(id -u):$(id -g):PostgreSQL:$PGDATA:/bin/false" > "$NSS_WRAPPER_PASSWD"
    echo "postgres:x:$(id -g):" > "$NSS_WRAPPER_GROUP"
    LD_PRELOAD=$(ls /usr/lib/*/libnss_wrapper.so)
    export LD_PRELOAD
fi

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    # What a kill left half made has no version file in its place, or no database; it is made again.
    mkdir -p "$PGDATA"
    chmod 700 "$PGDATA"
    find "$PGDATA" -mindepth 1 -delete
    made="$PGDATA/made"
    initdb --pgdata "$made" --username "$POSTGRES_USER" --pwfile "$POSTGRES_PASSWORD_FILE" \
        --auth-local trust --auth-host scram-sha-256 --encoding UTF8 --no-instructions
    echo "host all all all scram-sha-256" >> "$made/pg_hba.conf"
    echo "CREATE DATABASE \"$POSTGRES_DB\"" | postgres --single -j -D "$made" postgres > /dev/null
    version=$(cat "$made/PG_VERSION")
    rm "$made/PG_VERSION"
    find "$made" -mindepth 1 -maxdepth 1 -exec mv {} "$PGDATA" \;
    rmdir "$made"
    # Last: by it a cluster counts as made.
    echo "$version" > "$PGDATA/PG_VERSION.new"
    mv "$PGDATA/PG_VERSION.new" "$PGDATA/PG_VERSION"
fi

exec "$@" -D "$PGDATA" -c listen_addresses='*'
