-- One row per move of a card from one state to another.
CREATE TABLE card_transitions (
    seq BIGINT, -- position in the event log
    card_id VARCHAR, -- the card that moved
    kind VARCHAR, -- rock, epic, issue, utility or app
    rock_id VARCHAR, -- the rock at the top; NULL for a card outside any
    from_state VARCHAR, -- the state it left
    to_state VARCHAR, -- the state it reached
    wait_reason VARCHAR, -- why it waits there; NULL where it does not wait
    note VARCHAR, -- why it was moved, in words; may be empty
    actor VARCHAR, -- who moved it
    happened_at TIMESTAMPTZ, -- when, UTC
    seconds_in_from_state DOUBLE, -- seconds that it stood in from_state; NULL where the log does not say since when
);

INSERT INTO card_transitions BY NAME
WITH steps AS (
    SELECT
        seq, subject AS card_id, kind AS step, at_microseconds, actor,
        json_transform(payload, '{
            "from": "VARCHAR", "to": "VARCHAR", "wait_reason": "VARCHAR", "note": "VARCHAR",
            "kind": "VARCHAR", "rock": "VARCHAR", "actor": "VARCHAR"
        }') AS said
    FROM warehouse.events
    WHERE kind IN ('card.created', 'card.moved')
),
timed AS (
    SELECT *, lag(at_microseconds) OVER (PARTITION BY card_id ORDER BY seq) AS since
    FROM steps
)
SELECT
    seq, card_id, said.kind AS kind, said.rock AS rock_id, said."from" AS from_state, said."to" AS to_state,
    said.wait_reason AS wait_reason, said.note AS note, coalesce(said.actor, actor) AS actor,
    make_timestamptz(at_microseconds) AS happened_at, (at_microseconds - since) / 1e6 AS seconds_in_from_state
FROM timed
WHERE step = 'card.moved'
ORDER BY seq;
