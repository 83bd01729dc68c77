"""Bring a database to the schema of this release, with Alembic."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from orket_pipelines.errors import StoreError
from orket_pipelines.store.failpoints import failpoint, reach

HERE = Path(__file__).parent / "migrations"
BEFORE_COMMIT = failpoint("store.before_migration_commit")
AFTER_COMMIT = failpoint("store.after_migration_commit")


def upgrade(engine: sa.Engine) -> None:
    """Apply the migrations that the database lacks, in one transaction; two processes at once take turns.

    Raises: StoreError where the database was written by a newer release.
    """
    config = Config()
    config.set_main_option("script_location", str(HERE))
    scripts = ScriptDirectory.from_config(config)
    with engine.connect().execution_options(orket_write=True) as connection, connection.begin():
        current = MigrationContext.configure(connection).get_current_revision()
        if current == scripts.get_current_head():
            return
        if current is not None and current not in {script.revision for script in scripts.walk_revisions()}:
            raise StoreError(
                f"the database has schema {current}, which this release does not know: a newer release wrote it",
                next_step="Install the release that wrote it, or point ORKET_HOME at another folder.",
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        reach(BEFORE_COMMIT)
    reach(AFTER_COMMIT)
