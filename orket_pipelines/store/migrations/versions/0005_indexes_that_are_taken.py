"""Two indexes that SQLite passed over for larger ones: each now answers every condition of the question it is for."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.drop_index("ix_cards_unranked", table_name="cards")
    unranked = sa.text("rank IS NULL")
    columns = ["workspace_id", "rank", "rock_id"]
    op.create_index("ix_cards_unranked", "cards", columns, sqlite_where=unranked, postgresql_where=unranked)
    op.drop_index("ix_card_dependencies_workspace_id_depends_on_id", table_name="card_dependencies")
    op.create_index(
        "ix_card_dependencies_workspace_id_depends_on_id_card_id",
        "card_dependencies",
        ["workspace_id", "depends_on_id", "card_id"],
    )
