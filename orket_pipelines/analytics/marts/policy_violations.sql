-- One row per refusal: a move or a tool call that a rule forbade.
CREATE TABLE IF NOT EXISTS policy_violations (
    violation_id VARCHAR, -- id of the violation, unique
    rule VARCHAR, -- the rule that was broken
    actor VARCHAR, -- who tried
    card_id VARCHAR, -- the card concerned; NULL where none is
    session_id VARCHAR, -- the session in which it happened; NULL outside any
    attempted JSON, -- what was tried
    reason VARCHAR, -- why it was refused
    fix VARCHAR, -- how to do it right
    happened_at TIMESTAMPTZ, -- when, UTC
);

INSERT INTO policy_violations BY NAME
WITH violated AS (
    SELECT
        seq, event_id, at_microseconds,
        json_transform(payload, '{
            "id": "VARCHAR", "rule": "VARCHAR", "actor": "VARCHAR", "card_id": "VARCHAR", "session_id": "VARCHAR",
            "attempted": "JSON", "reason": "VARCHAR", "fix": "VARCHAR"
        }') AS said
    FROM warehouse.events
    WHERE kind = 'policy.violated' AND seq > getvariable('since')
),
-- A refusal that is told of twice is one refusal.
told AS (
    SELECT DISTINCT ON (coalesce(said.id, event_id)) *
    FROM violated
    ORDER BY seq
)
SELECT
    said.id AS violation_id, said.rule AS rule, said.actor AS actor, said.card_id AS card_id,
    said.session_id AS session_id, said.attempted AS attempted, said.reason AS reason, said.fix AS fix,
    make_timestamptz(at_microseconds) AS happened_at
FROM told
WHERE NOT EXISTS (FROM policy_violations AS known WHERE known.violation_id = said.id)
ORDER BY seq;
