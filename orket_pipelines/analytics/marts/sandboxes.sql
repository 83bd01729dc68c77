-- One row per change of a rock's sandbox: creating, running, unhealthy, failed, stopping, stopped, deleted.
CREATE TABLE IF NOT EXISTS sandboxes (
    seq BIGINT, -- position in the event log
    sandbox_id VARCHAR, -- the sandbox; a rock has one
    rock_id VARCHAR, -- the rock whose main line runs there
    generation BIGINT, -- counts the deployments of this sandbox, from 1
    state VARCHAR, -- what it became
    commit VARCHAR, -- the commit that is, or was to be, deployed
    isolation VARCHAR, -- container or process
    url VARCHAR, -- the address that a person opens; NULL while there is none
    seconds DOUBLE, -- seconds that the deployment took; NULL where none ended
    note VARCHAR, -- why it is not running, with the end of its log
    happened_at TIMESTAMPTZ, -- when, UTC
);

INSERT INTO sandboxes BY NAME
WITH changed AS (
    SELECT
        seq, subject, at_microseconds,
        json_transform(payload, '{
            "rock_id": "VARCHAR", "generation": "BIGINT", "state": "VARCHAR", "commit": "VARCHAR",
            "isolation": "VARCHAR", "urls": "MAP(VARCHAR, VARCHAR)", "front": "VARCHAR", "seconds": "DOUBLE",
            "note": "VARCHAR"
        }') AS said
    FROM warehouse.events
    WHERE kind = 'sandbox.changed' AND seq > getvariable('since')
)
SELECT
    seq, subject AS sandbox_id, said.rock_id AS rock_id, said.generation AS generation,
    -- Earlier releases had other words.
    CASE said.state WHEN 'deploying' THEN 'creating' WHEN 'removed' THEN 'deleted' ELSE said.state END AS state,
    said.commit AS commit, said.isolation AS isolation, said.urls[said.front] AS url, said.seconds AS seconds,
    said.note AS note, make_timestamptz(at_microseconds) AS happened_at
FROM changed
ORDER BY seq;
