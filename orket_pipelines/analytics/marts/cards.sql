-- One row per card, as it stands now.
CREATE TABLE cards (
    card_id VARCHAR, -- id of the card, unique in the workspace
    kind VARCHAR, -- rock, epic, issue, utility or app
    name VARCHAR, -- display name, unique within the parent
    parent_id VARCHAR, -- the card above; NULL at the top
    rock_id VARCHAR, -- the rock at the top (itself for a rock); NULL for a card outside any
    state VARCHAR, -- where it stands
    wait_reason VARCHAR, -- why it is blocked or waits; NULL where it does neither
    note VARCHAR, -- the note of its last move; may be empty
    priority DOUBLE, -- 1 low, 2 medium, 3 high
    seat VARCHAR, -- the role that works on it; NULL where none is named
    attempt BIGINT, -- the attempt it is in, from 1; grows at each rework after a merge
    depends_on VARCHAR[], -- ids of the cards that must be done first
    source VARCHAR, -- the file and the key it came from; NULL where it was no file
    created_at TIMESTAMPTZ, -- when it was imported, UTC
    started_at TIMESTAMPTZ, -- when it first went to in_progress, UTC; NULL before
    ended_at TIMESTAMPTZ, -- when it was done or canceled, UTC; NULL before
    changed_at TIMESTAMPTZ, -- its last import, change or move, UTC
);

INSERT INTO cards BY NAME
WITH described AS (
    SELECT DISTINCT ON (subject)
        subject AS card_id,
        json_transform(payload, '{
            "kind": "VARCHAR", "name": "VARCHAR", "parent_id": "VARCHAR", "rock_id": "VARCHAR", "priority": "DOUBLE",
            "seat": "VARCHAR", "depends_on": ["VARCHAR"], "source": "VARCHAR"
        }') AS said
    FROM warehouse.events
    WHERE kind IN ('card.created', 'card.changed')
    ORDER BY seq DESC
),
-- A later card.changed repeats what the file says of the state; only the first description and the moves count.
first_described AS (
    SELECT DISTINCT ON (subject)
        subject AS card_id, seq, at_microseconds,
        json_transform(payload, '{"state": "VARCHAR", "wait_reason": "VARCHAR", "note": "VARCHAR", "attempt": "BIGINT"}')
            AS said
    FROM warehouse.events
    WHERE kind IN ('card.created', 'card.changed')
    ORDER BY seq
),
last_moved AS (
    SELECT DISTINCT ON (card_id) card_id, to_state, wait_reason, note
    FROM card_transitions
    ORDER BY seq DESC
),
reached AS (
    SELECT
        card_id,
        min(happened_at) FILTER (to_state = 'in_progress') AS started_at,
        max(happened_at) FILTER (to_state IN ('done', 'canceled')) AS ended_at
    FROM card_transitions
    GROUP BY card_id
),
attempted AS (
    SELECT subject AS card_id, max(TRY_CAST(payload ->> 'attempt' AS BIGINT)) AS attempt
    FROM warehouse.events
    WHERE kind = 'attempt.started'
    GROUP BY subject
),
touched AS (
    SELECT subject AS card_id, max(at_microseconds) AS at_microseconds
    FROM warehouse.events
    WHERE kind IN ('card.created', 'card.changed', 'card.moved')
    GROUP BY subject
)
SELECT
    card_id, described.said.kind AS kind, described.said.name AS name, described.said.parent_id AS parent_id,
    described.said.rock_id AS rock_id,
    CASE WHEN to_state IS NULL THEN first_described.said.state ELSE to_state END AS state,
    CASE WHEN to_state IS NULL THEN first_described.said.wait_reason ELSE last_moved.wait_reason END AS wait_reason,
    CASE WHEN to_state IS NULL THEN first_described.said.note ELSE last_moved.note END AS note,
    described.said.priority AS priority, described.said.seat AS seat,
    coalesce(attempted.attempt, first_described.said.attempt, 1) AS attempt,
    coalesce(described.said.depends_on, []) AS depends_on, described.said.source AS source,
    make_timestamptz(first_described.at_microseconds) AS created_at, started_at, ended_at,
    make_timestamptz(touched.at_microseconds) AS changed_at
FROM described
JOIN first_described USING (card_id)
JOIN touched USING (card_id)
LEFT JOIN last_moved USING (card_id)
LEFT JOIN reached USING (card_id)
LEFT JOIN attempted USING (card_id)
ORDER BY first_described.seq;
