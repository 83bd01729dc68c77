-- name: create
-- The event log as drained, and how far. Both are written in one transaction, so a kill neither doubles nor loses rows.
CREATE TABLE IF NOT EXISTS events (
    seq BIGINT NOT NULL,
    event_id VARCHAR NOT NULL,
    workspace_id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    schema_version BIGINT NOT NULL,
    at_microseconds BIGINT NOT NULL,
    actor VARCHAR NOT NULL,
    correlation_id VARCHAR,
    run_id VARCHAR,
    subject VARCHAR NOT NULL,
    payload JSON NOT NULL
);
CREATE TABLE IF NOT EXISTS progress (seq BIGINT NOT NULL, event_id VARCHAR NOT NULL);
INSERT INTO progress SELECT 0, '' WHERE NOT EXISTS (FROM progress);
CREATE TEMP TABLE arrived AS FROM events LIMIT 0;

-- name: progress
-- The last event drained.
SELECT seq, event_id FROM progress;

-- name: take_in
-- What comes a second time is not taken in again. Mostly all of it is newer than what is there, and little is looked at.
INSERT INTO events
FROM arrived
WHERE seq NOT IN (SELECT seq FROM events WHERE seq >= (SELECT min(seq) FROM arrived));

-- name: next_batch
TRUNCATE arrived;

-- name: advance
UPDATE progress SET seq = ?, event_id = ?;

-- name: start_over
-- The event log is another one (a new database, or a restored backup): what was drained is not its past.
DELETE FROM events;
UPDATE progress SET seq = 0, event_id = '';

-- name: attach_warehouse
ATTACH ? AS warehouse;

-- name: attach_snapshot
ATTACH ? AS snapshot;

-- name: build_in_snapshot
-- Days are days of UTC.
USE snapshot;
SET TimeZone = 'UTC';
SET VARIABLE definition = ?;

-- name: since
-- Tables that grow by the event take the events after this seq.
SET VARIABLE since = ?;

-- name: leave_snapshot
-- To detach is to checkpoint: the whole snapshot is in its one file then.
USE memory;
DETACH snapshot;

-- name: attach_standing
ATTACH ? AS standing (READ_ONLY);

-- name: standing
-- How far the published snapshot goes, where these tables made it of the very events that the warehouse has up to there.
SELECT about.last_seq
FROM standing.about
JOIN warehouse.events AS last ON last.seq = about.last_seq AND last.event_id = about.last_event_id
WHERE about.definition = ? AND about.events = (SELECT count(*) FROM warehouse.events WHERE seq <= about.last_seq);

-- name: leave_standing
DETACH standing;

-- name: attach_to_read
ATTACH ? AS snapshot (READ_ONLY);

-- name: about
SELECT last_seq, last_event_id, definition FROM snapshot.about;

-- name: catalog
-- Every column of every table that has an explanation.
SELECT tables.table_name, tables.comment, columns.column_name, columns.data_type, columns.comment
FROM duckdb_tables() AS tables
JOIN duckdb_columns() AS columns USING (database_name, table_name)
WHERE database_name = 'snapshot'
ORDER BY tables.table_name, columns.column_index;
