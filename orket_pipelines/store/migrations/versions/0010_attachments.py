"""Files at comments of pull requests."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("pull_request_comments", sa.Column("attachments", sa.JSON(), nullable=False, server_default="[]"))
