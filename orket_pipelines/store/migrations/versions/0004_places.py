"""What decides who works on what, kept ready: the score of a card, its unmet dependencies, the share of a rock."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "rock_shares",
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("rock_id", sa.Text(), nullable=False),
        sa.Column("start", sa.Float(), nullable=False),
        sa.Column("finish", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "rock_id", name="pk_rock_shares"),
    )
    held = sa.text("owner IS NOT NULL")
    op.create_index("ix_leases_held", "leases", ["workspace_id", "name"], sqlite_where=held, postgresql_where=held)
    op.add_column("cards", sa.Column("rank", sa.Float()))
    op.add_column("cards", sa.Column("unmet", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_index(
        "ix_cards_claimable",
        "cards",
        ["workspace_id", "rock_id", "state", "unmet", "rank", "created_at", "position"],
    )
    unranked = sa.text("rank IS NULL")
    op.create_index(
        "ix_cards_unranked", "cards", ["workspace_id", "rock_id"], sqlite_where=unranked, postgresql_where=unranked
    )
    op.create_index("ix_cards_workspace_id_kind", "cards", ["workspace_id", "kind"])
    # The new ones begin with the same columns; a state that changes touched the last of these in every move.
    op.drop_index("ix_cards_workspace_id_rock_id", table_name="cards")
    op.drop_index("ix_cards_workspace_id_kind_state", table_name="cards")
