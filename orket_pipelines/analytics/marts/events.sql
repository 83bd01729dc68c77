-- One row per event of the event log: everything that happened, in order; all other tables are made from it.
CREATE TABLE IF NOT EXISTS events (
    seq BIGINT, -- position in the event log; grows, with gaps
    event_id VARCHAR, -- id of the event, unique
    workspace_id VARCHAR, -- the tenant
    kind VARCHAR, -- what happened, as noun.past_participle
    schema_version BIGINT, -- version of the payload's shape
    happened_at TIMESTAMPTZ, -- when, UTC, exact to the microsecond
    at_microseconds BIGINT, -- the same moment, microseconds since 1970-01-01 UTC
    actor VARCHAR, -- who caused it: a role, system, or a person
    correlation_id VARCHAR, -- what it belongs to; NULL where nothing was given
    run_id VARCHAR, -- the Dagster run that caused it; NULL outside any
    subject VARCHAR, -- id of the card it is about (of the actor, where no card is concerned)
    payload JSON, -- the details, as the event log has them
);

INSERT INTO events BY NAME
SELECT *, make_timestamptz(at_microseconds) AS happened_at
FROM warehouse.events
WHERE seq > getvariable('since')
ORDER BY seq;
