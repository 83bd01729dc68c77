-- One row per tool call of an agent, with what the gate and the tool said.
CREATE TABLE IF NOT EXISTS tool_calls (
    seq BIGINT, -- position in the event log
    session_id VARCHAR, -- the session it belongs to
    card_id VARCHAR, -- the card worked on
    role VARCHAR, -- who called
    turn BIGINT, -- the turn within its session, from 1
    call_id VARCHAR, -- id of the call, unique within its session
    tool VARCHAR, -- name of the tool
    arguments JSON, -- what the model passed
    verdict VARCHAR, -- what the gate decided: allowed or denied
    outcome VARCHAR, -- what became of the call: done, failed or denied
    seconds DOUBLE, -- seconds that the tool ran
    result VARCHAR, -- the first part of what the model was told
    happened_at TIMESTAMPTZ, -- when its result was stored, UTC
);

INSERT INTO tool_calls BY NAME
WITH called AS (
    SELECT
        seq, event_id, subject, at_microseconds,
        json_transform(payload, '{
            "session_id": "VARCHAR", "card": "VARCHAR", "role": "VARCHAR", "turn": "BIGINT", "call_id": "VARCHAR",
            "tool": "VARCHAR", "arguments": "JSON", "verdict": "VARCHAR", "outcome": "VARCHAR", "seconds": "DOUBLE",
            "result": "VARCHAR"
        }') AS said
    FROM warehouse.events
    WHERE kind = 'tool.called' AND seq > getvariable('since')
),
-- A call that is told of twice is one call.
told AS (
    SELECT DISTINCT ON (coalesce(said.session_id || ':' || said.turn || ':' || said.call_id, event_id)) *
    FROM called
    ORDER BY seq
)
SELECT
    seq, said.session_id AS session_id, coalesce(said.card, subject) AS card_id, said.role AS role, said.turn AS turn,
    said.call_id AS call_id, said.tool AS tool, said.arguments AS arguments, said.verdict AS verdict,
    said.outcome AS outcome, said.seconds AS seconds, said.result AS result,
    make_timestamptz(at_microseconds) AS happened_at
FROM told
WHERE NOT EXISTS (
    FROM tool_calls AS known
    WHERE known.session_id = said.session_id AND known.turn = said.turn AND known.call_id = said.call_id
)
ORDER BY seq;
