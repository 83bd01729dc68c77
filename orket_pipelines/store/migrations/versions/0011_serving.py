"""What of a sandbox answers while another commit is deployed."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("sandboxes", sa.Column("serving", sa.JSON(), nullable=True))
