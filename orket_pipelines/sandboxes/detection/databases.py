"""Which databases a project talks to: by its drivers, the images beside it, and the addresses that it is given."""

from collections.abc import Iterable, Iterator

from orket_pipelines.sandboxes.detection.hints import Built

ORDER = ("postgres", "mysql", "mariadb", "mongo", "redis", "sqlite", "mssql")

_drivers = {
    "postgres": """
        psycopg psycopg2 psycopg2-binary psycopg-binary asyncpg pg8000 aiopg pg postgres pg-promise
        @neondatabase/serverless @vercel/postgres postgrex postgresql tokio-postgres npgsql
        npgsql.entityframeworkcore.postgresql github.com/lib/pq github.com/jackc/pgx gorm.io/driver/postgres
        org.postgresql:postgresql r2dbc-postgresql django-postgres-extra @prisma/adapter-pg quarkus-jdbc-postgresql
        quarkus-reactive-pg-client ext-pgsql ext-pdo_pgsql
    """,
    "mysql": """
        mysqlclient pymysql mysql-connector-python aiomysql asyncmy mysql mysql2 myxql trilogy
        github.com/go-sql-driver/mysql gorm.io/driver/mysql com.mysql:mysql-connector-j mysql:mysql-connector-java
        pomelo.entityframeworkcore.mysql mysql.data mysqlconnector mysql-async quarkus-jdbc-mysql
        @planetscale/database ext-pdo_mysql ext-mysqli
    """,
    "mariadb": "mariadb org.mariadb.jdbc:mariadb-java-client quarkus-jdbc-mariadb",
    "mongo": """
        pymongo motor mongoengine beanie odmantic mongodb mongoose mongoid mongo go.mongodb.org/mongo-driver
        mongodb.driver spring-boot-starter-data-mongodb spring-boot-starter-data-mongodb-reactive
        mongodb/mongodb mongodb/laravel-mongodb @nestjs/mongoose djongo flask-pymongo flask-mongoengine
        quarkus-mongodb-client mongodb_driver connect-mongo
    """,
    "redis": """
        redis redis-py aioredis celery[redis] django-redis flask-redis ioredis bullmq bull connect-redis @upstash/redis
        github.com/redis/go-redis github.com/go-redis/redis github.com/gomodule/redigo redix sidekiq redis-rails hiredis
        spring-boot-starter-data-redis spring-boot-starter-data-redis-reactive stackexchange.redis
        predis/predis deadpool-redis microsoft.extensions.caching.stackexchangeredis channels-redis
        arq rq fred ext-redis
    """,
    "sqlite": """
        aiosqlite better-sqlite3 sqlite3 sqlite rusqlite ecto_sqlite3 exqlite github.com/mattn/go-sqlite3
        modernc.org/sqlite github.com/glebarez/sqlite gorm.io/driver/sqlite org.xerial:sqlite-jdbc
        microsoft.entityframeworkcore.sqlite microsoft.data.sqlite @libsql/client ext-pdo_sqlite
    """,
    "mssql": """
        pymssql mssql tedious mssql-django microsoft.entityframeworkcore.sqlserver microsoft.data.sqlclient
        system.data.sqlclient com.microsoft.sqlserver:mssql-jdbc github.com/microsoft/go-mssqldb
        github.com/denisenkom/go-mssqldb gorm.io/driver/sqlserver tds tiberius
    """,
}
_of_driver = {name: database for database, names in _drivers.items() for name in names.split()}
_images = {
    "postgres": ("postgres", "postgresql", "postgis", "timescaledb", "timescaledb-ha", "pgvector", "supabase-postgres"),
    "mysql": ("mysql", "mysql-server", "percona"),
    "mariadb": ("mariadb",),
    "mongo": ("mongo", "mongodb", "mongodb-community-server"),
    "redis": ("redis", "redis-stack", "redis-stack-server", "valkey", "keydb", "dragonfly"),
    "mssql": ("mssql", "server", "azure-sql-edge"),
}
_of_image = {name: database for database, names in _images.items() for name in names}
_schemes = {
    "postgres": "postgres",
    "postgresql": "postgres",
    "mysql": "mysql",
    "mysql2": "mysql",
    "mariadb": "mariadb",
    "mongodb": "mongo",
    "redis": "redis",
    "rediss": "redis",
    "sqlite": "sqlite",
    "sqlite3": "sqlite",
    "file": "",
    "sqlserver": "mssql",
    "mssql": "mssql",
}
_words = {"DB_CONNECTION", "DB_TYPE", "DATABASE_TYPE", "DB_ENGINE", "DB_CLIENT", "DB_DIALECT", "DB_DRIVER"}
"""Variables that say which database by one word."""
_variables = {
    "POSTGRES_": "postgres",
    "PGHOST": "postgres",
    "MYSQL_": "mysql",
    "MARIADB_": "mariadb",
    "MONGO_": "mongo",
    "MONGODB_": "mongo",
    "REDIS_": "redis",
    "MSSQL_": "mssql",
}


def of_drivers(packages: Iterable[str]) -> set[str]:
    """By the drivers among these packages, however each language writes their names."""
    return {_of_driver[name] for each in packages if (name := each.lower()) in _of_driver}


def of_images(services: Iterable[Built]) -> set[str]:
    """By the images that compose files run."""
    return {found for each in services if (found := _image(each.image))}


def of_environment(variables: dict[str, str]) -> set[str]:
    """By the addresses among these variables, and by names that only one database's settings bear."""
    by_address = {found for value in variables.values() if (found := of_address(value))}
    by_name = {database for name in variables for prefix, database in _variables.items() if name.startswith(prefix)}
    by_word = {found for name in _words & variables.keys() for found in of_names(variables[name])}
    return by_address | by_name | by_word


def of_address(value: str) -> str | None:
    """The database of an address such as `postgresql+asyncpg://…`; None where it is none."""
    scheme, separator, _ = value.partition(":")
    plain = scheme.partition("+")[0].lower()
    return (_schemes.get(plain) or None) if separator else None


def ordered(found: Iterable[str]) -> tuple[str, ...]:
    """Each once, in the order that people name them; MariaDB is spoken to through MySQL's drivers."""
    names = set(found)
    return tuple(name for name in ORDER if name in names and not (name == "mysql" and "mariadb" in names))


def _image(image: str) -> str | None:
    name = image.partition("@")[0].rpartition("/")[2].partition(":")[0].lower()
    if name == "server" and "mssql" not in image:
        return None
    return _of_image.get(name)


def of_names(text: str) -> Iterator[str]:
    """By the words of a configuration that names an adapter, an engine or a provider."""
    last = text.rpartition(".")[2].lower()
    known = {
        "postgresql": "postgres",
        "postgis": "postgres",
        "pgsql": "postgres",
        "sqlite3": "sqlite",
        "mongodb": "mongo",
    }
    known |= {"mysql2": "mysql", "trilogy": "mysql", "sqlserver": "mssql", "cockroachdb": "postgres", "sqlsrv": "mssql"}
    found = known.get(last, last)
    if found in ORDER:
        yield found
