"""The model that a person has a session go on with."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("sessions", sa.Column("switched_to", sa.Text(), nullable=True))
