"""Calls of agents that a person decides about."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "approvals",
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("call", sa.Text(), nullable=False),
        sa.Column("card_id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("granted", sa.Boolean()),
        sa.Column("decided_by", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("decided_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_approvals")),
        sa.UniqueConstraint("workspace_id", "call", name="uq_approvals_workspace_id_call"),
    )
    op.create_index(op.f("ix_approvals_workspace_id_card_id"), "approvals", ["workspace_id", "card_id"], unique=False)
