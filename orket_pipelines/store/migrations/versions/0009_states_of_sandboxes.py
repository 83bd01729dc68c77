"""What sandboxes are called that are being made, and of which nothing is left. Events stay as they were written."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

WORDS = {"deploying": "creating", "removed": "deleted"}


def upgrade() -> None:
    sandboxes = sa.table("sandboxes", sa.column("state", sa.Text()))
    for before, after in WORDS.items():
        op.execute(sa.update(sandboxes).where(sandboxes.c.state == before).values(state=after))
