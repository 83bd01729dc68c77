-- One row per session: one role called to one card for one purpose, from its start to its outcome.
CREATE TABLE session_history (
    session_id VARCHAR, -- id of the session, unique
    card_id VARCHAR, -- the card worked on
    rock_id VARCHAR, -- its rock; NULL for a card outside any
    role VARCHAR, -- who worked
    purpose VARCHAR, -- why the role was called
    visit BIGINT, -- how often this role was called to this card for this purpose, from 1
    attempt BIGINT, -- the attempt of the card, from 1
    model VARCHAR, -- the model that served
    turns BIGINT, -- model turns
    tool_calls BIGINT, -- tool calls, denied ones included
    denied BIGINT, -- tool calls that the gate refused
    input_tokens BIGINT, -- tokens read, in all turns
    output_tokens BIGINT, -- tokens written, in all turns
    cost DECIMAL(18, 9), -- USD; NULL where no price is known for any turn
    started_at TIMESTAMPTZ, -- when it began, UTC
    ended_at TIMESTAMPTZ, -- when it ended, UTC; NULL while it runs
    seconds DOUBLE, -- seconds from start to end, waiting included; NULL while it runs
    outcome VARCHAR, -- the state asked for, the verdict, guidance, or failure; NULL while it runs
    outcome_text VARCHAR, -- what was said with the outcome, or why it failed; may be empty
);

INSERT INTO session_history BY NAME
WITH started AS (
    SELECT DISTINCT ON (coalesce(payload ->> 'session_id', event_id))
        seq, subject, at_microseconds,
        json_transform(payload, '{
            "session_id": "VARCHAR", "card": "VARCHAR", "role": "VARCHAR", "purpose": "VARCHAR", "visit": "BIGINT",
            "attempt": "BIGINT", "model": "VARCHAR"
        }') AS said
    FROM warehouse.events
    WHERE kind = 'session.started'
    ORDER BY seq
),
ended AS (
    SELECT DISTINCT ON (session_id)
        payload ->> 'session_id' AS session_id, at_microseconds,
        json_transform(payload -> 'outcome', '{
            "request": "VARCHAR", "verdict": "VARCHAR", "guidance": "BOOLEAN", "failure": "VARCHAR", "text": "VARCHAR"
        }') AS said
    FROM warehouse.events
    WHERE kind = 'session.ended'
    ORDER BY seq
),
answered AS (
    SELECT
        session_id, count(*) AS turns, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
        sum(cost) AS cost
    FROM turns
    GROUP BY session_id
),
called AS (
    SELECT session_id, count(*) AS tool_calls, count(*) FILTER (verdict = 'denied') AS denied
    FROM tool_calls
    GROUP BY session_id
)
SELECT
    started.said.session_id AS session_id, coalesce(started.said.card, started.subject) AS card_id, cards.rock_id,
    started.said.role AS role, started.said.purpose AS purpose, started.said.visit AS visit,
    started.said.attempt AS attempt, started.said.model AS model,
    coalesce(answered.turns, 0) AS turns, coalesce(called.tool_calls, 0) AS tool_calls,
    coalesce(called.denied, 0) AS denied, coalesce(answered.input_tokens, 0) AS input_tokens,
    coalesce(answered.output_tokens, 0) AS output_tokens, answered.cost,
    make_timestamptz(started.at_microseconds) AS started_at, make_timestamptz(ended.at_microseconds) AS ended_at,
    (ended.at_microseconds - started.at_microseconds) / 1e6 AS seconds,
    CASE
        WHEN ended.session_id IS NULL THEN NULL
        WHEN ended.said.failure IS NOT NULL THEN 'failure'
        WHEN ended.said.guidance THEN 'guidance'
        ELSE coalesce(ended.said.request, ended.said.verdict)
    END AS outcome,
    coalesce(ended.said.failure, ended.said.text) AS outcome_text
FROM started
LEFT JOIN ended ON ended.session_id = started.said.session_id
LEFT JOIN answered ON answered.session_id = started.said.session_id
LEFT JOIN called ON called.session_id = started.said.session_id
LEFT JOIN cards ON cards.card_id = coalesce(started.said.card, started.subject)
ORDER BY started.seq;
