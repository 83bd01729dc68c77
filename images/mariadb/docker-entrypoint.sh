#!/bin/sh
# Makes the system's tables, the user and the database where there are none yet, then becomes the server.
set -eu

DATADIR=${DATADIR:-/var/lib/mysql}
user=${MARIADB_USER:-${MYSQL_USER:-}} database=${MARIADB_DATABASE:-${MYSQL_DATABASE:-}}
password=${MARIADB_PASSWORD_FILE:-${MYSQL_PASSWORD_FILE:-}} root=${MARIADB_ROOT_PASSWORD_FILE:-${MYSQL_ROOT_PASSWORD_FILE:-}}
own="--no-defaults --datadir=$DATADIR --tmpdir=/tmp"

literal() {
    sed "s/\\\\/\\\\\\\\/g; s/'/\\\\'/g" "$1"
}

if [ ! -e "$DATADIR/made" ]; then
    # What a kill left half made has no mark; it is made again.
    find "$DATADIR" -mindepth 1 -delete
    # shellcheck disable=SC2086 # two words and more
    mariadb-install-db $own --auth-root-authentication-method=normal --skip-test-db --skip-name-resolve > /dev/null
    # shellcheck disable=SC2086
    mariadbd $own --bootstrap << SQL
FLUSH PRIVILEGES;
ALTER USER 'root'@'localhost' IDENTIFIED BY '$(literal "$root")';
CREATE DATABASE \`$database\` CHARACTER SET utf8mb4;
CREATE USER '$user'@'%' IDENTIFIED BY '$(literal "$password")';
GRANT ALL ON \`$database\`.* TO '$user'@'%';
SQL
    # Last: by it a database counts as made.
    : > "$DATADIR/made"
fi

# shellcheck disable=SC2086
exec "$@" $own --socket=/var/run/mysqld/mysqld.sock --pid-file=/var/run/mysqld/mysqld.pid --bind-address=0.0.0.0 \
    --skip-name-resolve
