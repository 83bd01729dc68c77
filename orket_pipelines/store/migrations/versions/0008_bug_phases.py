"""Bug-fix phases of delivered rocks."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "bug_phases",
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("rock_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("planned", sa.BigInteger(), nullable=False),
        sa.Column("elapsed", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_ticks", sa.BigInteger(), nullable=False),
        sa.Column("seen_boot", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("extensions", sa.BigInteger(), nullable=False),
        sa.Column("ends_as", sa.Text()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("left_to", sa.Text()),
        sa.Column("logs", sa.JSON(), nullable=False),
        sa.Column("closing", sa.JSON()),
        sa.PrimaryKeyConstraint("workspace_id", "rock_id", name=op.f("pk_bug_phases")),
    )
