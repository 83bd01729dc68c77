"""Every table of the store. Times are UTC integer microseconds; every table carries its workspace.

A change here comes with a migration in `migrations/versions/`; a test compares the two.
"""

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Text, Integer, Float, JSON, Boolean = sa.Text, sa.BigInteger, sa.Float, sa.JSON, sa.Boolean
# SQLite gives a sequence only to a column of type INTEGER.
Sequence = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _table(name: str, *columns: sa.schema.SchemaItem) -> sa.Table:
    return sa.Table(name, metadata, sa.Column("workspace_id", Text, primary_key=True), *columns)


events = sa.Table(
    "events",
    metadata,
    sa.Column("seq", Sequence, primary_key=True, autoincrement=True),
    sa.Column("id", Text, nullable=False),
    sa.Column("workspace_id", Text, nullable=False),
    sa.Column("kind", Text, nullable=False),
    sa.Column("schema_version", Integer, nullable=False),
    sa.Column("at", Integer, nullable=False),
    sa.Column("actor", Text, nullable=False),
    sa.Column("correlation_id", Text),
    sa.Column("run_id", Text),
    sa.Column("subject", Text, nullable=False),
    sa.Column("payload", JSON, nullable=False),
    # None begins with the workspace alone: batches are read along seq, and each index is a page more in every commit.
    sa.Index(None, "subject", "seq"),
    # Most events belong to no run: every page that a commit need not write counts.
    sa.Index(
        "ix_events_workspace_id_run_id_seq",
        "workspace_id",
        "run_id",
        "seq",
        sqlite_where=sa.text("run_id IS NOT NULL"),
        postgresql_where=sa.text("run_id IS NOT NULL"),
    ),
)

cursors = _table("cursors", sa.Column("consumer", Text, primary_key=True), sa.Column("seq", Integer, nullable=False))

effects = _table(
    "effects",
    sa.Column("key", Text, primary_key=True),
    sa.Column("kind", Text, nullable=False),
    sa.Column("subject", Text, nullable=False),
    sa.Column("intent", JSON, nullable=False),
    sa.Column("outcome", Text, nullable=False),
    sa.Column("result", JSON),
    sa.Column("attempt", Integer, nullable=False),
    sa.Column("fencing_token", Integer),
    sa.Column("begun_at", Integer, nullable=False),
    sa.Column("ended_at", Integer),
    sa.Index(None, "workspace_id", "subject"),
)

leases = _table(
    "leases",
    sa.Column("name", Text, primary_key=True),
    sa.Column("owner", Text),
    sa.Column("token", Integer, nullable=False),
    sa.Column("renewals", Integer, nullable=False),
    sa.Column("acquired_at", Integer, nullable=False),
    # Held ones are few, whatever was held before; a renewal does not touch this index.
    sa.Index(
        "ix_leases_held",
        "workspace_id",
        "name",
        sqlite_where=sa.text("owner IS NOT NULL"),
        postgresql_where=sa.text("owner IS NOT NULL"),
    ),
)

# What each rock was given, in virtual time (`cards/fairness.py`): from `start` on it took up its last place.
rock_shares = _table(
    "rock_shares",
    sa.Column("rock_id", Text, primary_key=True),
    sa.Column("start", Float, nullable=False),
    sa.Column("finish", Float, nullable=False),
)

cards = _table(
    "cards",
    sa.Column("id", Text, primary_key=True),
    sa.Column("kind", Text, nullable=False),
    sa.Column("parent_id", Text),
    sa.Column("rock_id", Text),
    sa.Column("name", Text, nullable=False),
    sa.Column("state", Text, nullable=False),
    sa.Column("wait_reason", Text),
    sa.Column("note", Text, nullable=False),
    sa.Column("priority", Float, nullable=False),
    sa.Column("seat", Text),
    sa.Column("attempt", Integer, nullable=False),
    sa.Column("details", JSON, nullable=False),
    # As in `card_dependencies`, which is for joins: a card is read far more often than it is written.
    sa.Column("depends_on", JSON, nullable=False),
    sa.Column("source", Text),
    sa.Column("content_hash", Text, nullable=False),
    sa.Column("position", Integer, nullable=False),
    sa.Column("created_at", Integer, nullable=False),
    sa.Column("updated_at", Integer, nullable=False),
    # Derived (`cards/ranking.py`): minus the score, as indexes run upwards, None until that is worked out; and how many
    # of its dependencies are not done.
    sa.Column("rank", Float),
    sa.Column("unmet", Integer, nullable=False, server_default="0"),
    sa.UniqueConstraint("workspace_id", "parent_id", "name"),
    # Finds the best claimable card of a rock without a look at the others, and the cards of a rock.
    sa.Index("ix_cards_claimable", "workspace_id", "rock_id", "state", "unmet", "rank", "created_at", "position"),
    sa.Index(
        "ix_cards_unranked",
        "workspace_id",
        # Always NULL here; SQLite takes the index that answers most conditions.
        "rank",
        "rock_id",
        sqlite_where=sa.text("rank IS NULL"),
        postgresql_where=sa.text("rank IS NULL"),
    ),
    sa.Index(None, "workspace_id", "kind"),
)

card_dependencies = _table(
    "card_dependencies",
    sa.Column("card_id", Text, primary_key=True),
    sa.Column("depends_on_id", Text, primary_key=True),
    # With the card, though the primary key has it: SQLite would rather scan that than look up what an index lacks.
    sa.Index(None, "workspace_id", "depends_on_id", "card_id"),
)

comments = _table(
    "comments",
    sa.Column("id", Text, primary_key=True),
    sa.Column("card_id", Text, nullable=False),
    sa.Column("author", Text, nullable=False),
    sa.Column("body", Text, nullable=False),
    sa.Column("at", Integer, nullable=False),
    sa.Index(None, "workspace_id", "card_id"),
)

policy_violations = _table(
    "policy_violations",
    sa.Column("id", Text, primary_key=True),
    sa.Column("at", Integer, nullable=False),
    sa.Column("rule", Text, nullable=False),
    sa.Column("card_id", Text),
    sa.Column("session_id", Text),
    sa.Column("actor", Text, nullable=False),
    sa.Column("attempted", JSON, nullable=False),
    sa.Column("reason", Text, nullable=False),
    sa.Column("fix", Text, nullable=False),
    sa.Index(None, "workspace_id", "at"),
    sa.Index(None, "workspace_id", "card_id"),
)

attempts = _table(
    "attempts",
    sa.Column("card_id", Text, primary_key=True),
    sa.Column("number", Integer, primary_key=True),
    sa.Column("repository", Text, nullable=False),
    sa.Column("branch", Text, nullable=False),
    sa.Column("base_commit", Text, nullable=False),
    sa.Column("head_commit", Text),
    sa.Column("pull_request", Integer),
    sa.Column("merge_commit", Text),
    sa.Column("created_at", Integer, nullable=False),
)

feedback = _table(
    "feedback",
    sa.Column("id", Text, primary_key=True),
    sa.Column("card_id", Text, nullable=False),
    sa.Column("attempt", Integer, nullable=False),
    sa.Column("kind", Text, nullable=False),
    sa.Column("commit", Text, nullable=False),
    sa.Column("author", Text, nullable=False),
    sa.Column("body", Text, nullable=False),
    sa.Column("details", JSON, nullable=False),
    sa.Column("at", Integer, nullable=False),
    # The order, which no clock that jumps can turn.
    sa.Column("position", Integer, nullable=False),
    sa.Index(None, "workspace_id", "card_id"),
)

sessions = _table(
    "sessions",
    sa.Column("id", Text, primary_key=True),
    sa.Column("card_id", Text, nullable=False),
    sa.Column("attempt", Integer, nullable=False),
    sa.Column("role", Text, nullable=False),
    sa.Column("purpose", Text, nullable=False),
    sa.Column("visit", Integer, nullable=False),
    sa.Column("subject_commit", Text, nullable=False),
    sa.Column("model", Text, nullable=False),
    # What a person has it go on with.
    sa.Column("switched_to", Text),
    sa.Column("prompt", JSON, nullable=False),
    sa.Column("starting_tree", Text),
    sa.Column("state", Text, nullable=False),
    sa.Column("outcome", JSON),
    sa.Column("started_at", Integer, nullable=False),
    sa.Column("ended_at", Integer),
    # The order, which no clock that jumps can turn.
    sa.Column("position", Integer, nullable=False),
    sa.UniqueConstraint("workspace_id", "card_id", "attempt", "role", "purpose", "visit"),
)

turns = _table(
    "turns",
    sa.Column("session_id", Text, primary_key=True),
    sa.Column("number", Integer, primary_key=True),
    sa.Column("messages", JSON, nullable=False),
    sa.Column("model", Text, nullable=False),
    sa.Column("input_tokens", Integer, nullable=False),
    sa.Column("output_tokens", Integer, nullable=False),
    sa.Column("cost", Float),
    sa.Column("started_at", Integer, nullable=False),
    sa.Column("ended_at", Integer, nullable=False),
)

test_runs = _table(
    "test_runs",
    sa.Column("id", Text, primary_key=True),
    sa.Column("card_id", Text, nullable=False),
    sa.Column("attempt", Integer, nullable=False),
    sa.Column("suite", Text, nullable=False),
    sa.Column("purpose", Text, nullable=False),
    sa.Column("commit", Text, nullable=False),
    sa.Column("passed", Boolean, nullable=False),
    sa.Column("counts", JSON, nullable=False),
    sa.Column("exit_code", Integer),
    sa.Column("log", Text, nullable=False),
    sa.Column("started_at", Integer, nullable=False),
    sa.Column("ended_at", Integer, nullable=False),
    # The order, which no clock that jumps can turn.
    sa.Column("position", Integer, nullable=False),
    # A list of the cases, where the runner told them one by one; the sandbox that was tried, where there was one.
    sa.Column("cases", JSON),
    sa.Column("sandbox_id", Text),
    sa.Index(None, "workspace_id", "card_id"),
)

approvals = _table(
    "approvals",
    sa.Column("id", Text, primary_key=True),
    # The key of the call's effect: a call is asked about once.
    sa.Column("call", Text, nullable=False),
    sa.Column("card_id", Text, nullable=False),
    sa.Column("session_id", Text, nullable=False),
    sa.Column("role", Text, nullable=False),
    sa.Column("tool", Text, nullable=False),
    sa.Column("arguments", Text, nullable=False),
    sa.Column("asked_at", Integer, nullable=False),
    # Null until somebody has decided.
    sa.Column("granted", Boolean),
    sa.Column("decided_by", Text),
    sa.Column("reason", Text),
    sa.Column("decided_at", Integer),
    sa.UniqueConstraint("workspace_id", "call"),
    sa.Index(None, "workspace_id", "card_id"),
)

artifacts = _table(
    "artifacts",
    sa.Column("id", Text, primary_key=True),
    sa.Column("test_run_id", Text, nullable=False),
    sa.Column("card_id", Text, nullable=False),
    sa.Column("name", Text, nullable=False),
    sa.Column("media_type", Text, nullable=False),
    # Relative to ORKET_HOME.
    sa.Column("path", Text, nullable=False),
    sa.Column("size", Integer, nullable=False),
    sa.Column("sha256", Text, nullable=False),
    sa.Column("created_at", Integer, nullable=False),
    sa.Index(None, "workspace_id", "test_run_id"),
)

bug_phases = _table(
    "bug_phases",
    sa.Column("rock_id", Text, primary_key=True),
    sa.Column("state", Text, nullable=False),
    # Lengths, in microseconds of a clock that nobody sets.
    sa.Column("planned", Integer, nullable=False),
    sa.Column("elapsed", Integer, nullable=False),
    # The moment at which that much had elapsed.
    sa.Column("seen_at", Integer, nullable=False),
    sa.Column("seen_ticks", Integer, nullable=False),
    sa.Column("seen_boot", Text, nullable=False),
    sa.Column("started_at", Integer, nullable=False),
    sa.Column("extensions", Integer, nullable=False),
    # Once its end is decided: what it is to become when all that follows is done.
    sa.Column("ends_as", Text),
    sa.Column("reason", Text, nullable=False),
    sa.Column("ended_at", Integer),
    sa.Column("left_to", Text),
    sa.Column("logs", JSON, nullable=False),
    sa.Column("closing", JSON(none_as_null=True)),
)

dependency_sets = _table(
    "dependency_sets",
    # Of the lock files, the settings and the image that they were installed with.
    sa.Column("key", Text, primary_key=True),
    # The volume or the folder; a name is never used for a second installation.
    sa.Column("location", Text, nullable=False),
    sa.Column("ecosystem", Text, nullable=False),
    sa.Column("log", Text, nullable=False),
    sa.Column("installed_at", Integer, nullable=False),
    sa.Column("used_at", Integer, nullable=False),
)

sandboxes = _table(
    "sandboxes",
    sa.Column("id", Text, primary_key=True),
    sa.Column("rock_id", Text, nullable=False),
    sa.Column("repository", Text, nullable=False),
    sa.Column("state", Text, nullable=False),
    sa.Column("isolation", Text, nullable=False),
    sa.Column("commit", Text, nullable=False),
    sa.Column("generation", Integer, nullable=False),
    sa.Column("plan", JSON, nullable=False),
    sa.Column("urls", JSON, nullable=False),
    sa.Column("front", Text, nullable=False),
    sa.Column("note", Text, nullable=False),
    # What the implementation needs to find its things again: containers, networks, processes.
    sa.Column("handles", JSON, nullable=False),
    # What answers while another commit is deployed, or because that failed: its commit, generation and note.
    sa.Column("serving", JSON(none_as_null=True)),
    sa.Column("expires_at", Integer),
    sa.Column("deployed_at", Integer),
    sa.Column("created_at", Integer, nullable=False),
    sa.Column("updated_at", Integer, nullable=False),
    sa.UniqueConstraint("workspace_id", "rock_id"),
)

# Ports and subnets of a machine, which no two sandboxes may have at once, whatever their workspace.
allocations = _table(
    "allocations",
    sa.Column("kind", Text, primary_key=True),
    sa.Column("host", Text, primary_key=True),
    sa.Column("value", Text, primary_key=True),
    sa.Column("owner", Text, nullable=False),
    sa.Column("purpose", Text, nullable=False),
    sa.Column("allocated_at", Integer, nullable=False),
    sa.Index("uq_allocations_kind_host_value", "kind", "host", "value", unique=True),
    sa.Index(None, "workspace_id", "owner"),
)

pull_requests = _table(
    "pull_requests",
    sa.Column("repository", Text, primary_key=True),
    sa.Column("number", Integer, primary_key=True),
    sa.Column("title", Text, nullable=False),
    sa.Column("body", Text, nullable=False),
    sa.Column("author", Text, nullable=False),
    sa.Column("head", Text, nullable=False),
    sa.Column("base", Text, nullable=False),
    sa.Column("state", Text, nullable=False),
    # Where head and base stood when it ended; while it is open, the branches say.
    sa.Column("head_commit", Text),
    sa.Column("base_commit", Text),
    sa.Column("merge_commit", Text),
    sa.Column("merged_by", Text),
    sa.Column("created_at", Integer, nullable=False),
    sa.Column("closed_at", Integer),
    sa.Column("labels", JSON, nullable=False),
    sa.Index(None, "workspace_id", "repository", "head"),
)

pull_request_reviews = _table(
    "pull_request_reviews",
    sa.Column("repository", Text, primary_key=True),
    sa.Column("number", Integer, primary_key=True),
    sa.Column("position", Integer, primary_key=True),
    sa.Column("reviewer", Text, nullable=False),
    sa.Column("verdict", Text, nullable=False),
    sa.Column("body", Text, nullable=False),
    sa.Column("commit", Text, nullable=False),
    sa.Column("at", Integer, nullable=False),
)

pull_request_comments = _table(
    "pull_request_comments",
    sa.Column("repository", Text, primary_key=True),
    sa.Column("number", Integer, primary_key=True),
    sa.Column("position", Integer, primary_key=True),
    sa.Column("author", Text, nullable=False),
    sa.Column("body", Text, nullable=False),
    sa.Column("at", Integer, nullable=False),
    sa.Column("attachments", JSON, nullable=False, server_default="[]"),
)
