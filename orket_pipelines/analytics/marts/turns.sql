-- One row per model turn: one answer of a model in a session.
CREATE TABLE IF NOT EXISTS turns (
    seq BIGINT, -- position in the event log
    session_id VARCHAR, -- the session it belongs to
    card_id VARCHAR, -- the card worked on
    role VARCHAR, -- who worked
    number BIGINT, -- the turn within its session, from 1
    model VARCHAR, -- the model that answered
    input_tokens BIGINT, -- tokens read
    output_tokens BIGINT, -- tokens written
    cost DECIMAL(18, 9), -- USD; NULL where no price is known
    seconds DOUBLE, -- seconds from the question to the stored answer
    happened_at TIMESTAMPTZ, -- when it was stored, UTC
);

INSERT INTO turns BY NAME
WITH completed AS (
    SELECT
        seq, event_id, subject, at_microseconds,
        json_transform(payload, '{
            "session_id": "VARCHAR", "card": "VARCHAR", "role": "VARCHAR", "number": "BIGINT", "model": "VARCHAR",
            "input_tokens": "BIGINT", "output_tokens": "BIGINT", "cost": "DECIMAL(18,9)", "seconds": "DOUBLE"
        }') AS said
    FROM warehouse.events
    WHERE kind = 'turn.completed' AND seq > getvariable('since')
),
-- An answer that is told of twice is one answer.
told AS (
    SELECT DISTINCT ON (coalesce(said.session_id || ':' || said.number, event_id)) *
    FROM completed
    ORDER BY seq
)
SELECT
    seq, said.session_id AS session_id, coalesce(said.card, subject) AS card_id, said.role AS role,
    said.number AS number, said.model AS model, said.input_tokens AS input_tokens,
    said.output_tokens AS output_tokens, said.cost AS cost, said.seconds AS seconds,
    make_timestamptz(at_microseconds) AS happened_at
FROM told
WHERE NOT EXISTS (
    FROM turns AS known WHERE known.session_id = said.session_id AND known.number = said.number
)
ORDER BY seq;
