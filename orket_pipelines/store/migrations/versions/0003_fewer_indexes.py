"""One index of events less: batches are read along the primary key, which is their order."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.drop_index("ix_events_workspace_id_seq", table_name="events")
    op.drop_index("ix_events_workspace_id_subject_seq", table_name="events")
    op.create_index("ix_events_subject_seq", "events", ["subject", "seq"], unique=False)
