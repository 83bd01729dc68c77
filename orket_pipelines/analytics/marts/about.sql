-- One row: what this snapshot holds. Two snapshots with the same row hold the same rows everywhere else.
CREATE TABLE about (
    events BIGINT, -- events drained so far
    last_seq BIGINT, -- seq of the last event drained; 0 before the first
    last_event_id VARCHAR, -- id of that event; empty before the first
    last_event_at TIMESTAMPTZ, -- when that event happened, UTC; NULL before the first
    definition VARCHAR, -- fingerprint (SHA-256) of the table definitions that made this snapshot
);

INSERT INTO about BY NAME
SELECT
    (SELECT count(*) FROM warehouse.events) AS events,
    progress.seq AS last_seq,
    progress.event_id AS last_event_id,
    (SELECT make_timestamptz(max(at_microseconds)) FROM warehouse.events WHERE seq = progress.seq) AS last_event_at,
    getvariable('definition') AS definition
FROM warehouse.progress;
