-- One row per bug that was reported, as it stands now.
CREATE TABLE bugs (
    card_id VARCHAR, -- the issue that it is
    found_in_rock VARCHAR, -- the rock that it was found in; after a phase it may be work of another
    name VARCHAR, -- what goes wrong, in one line
    severity VARCHAR, -- critical, major or minor
    priority DOUBLE, -- 1 low, 2 medium, 3 high, as reported
    source VARCHAR, -- who found it: person, forge, agent or verification
    found_by VARCHAR, -- the person, the role, or what tried it
    in_phase BOOLEAN, -- whether its rock had been done when it was reported
    commit VARCHAR, -- the commit that it was seen at; NULL where that is not known
    sandbox VARCHAR, -- the sandbox that it was seen in; NULL where it was none
    scenario VARCHAR, -- what was tried; NULL where nobody says
    state VARCHAR, -- where its card stands
    found_at TIMESTAMPTZ, -- when it was reported, UTC
    ended_at TIMESTAMPTZ, -- when its card was done or canceled, UTC; NULL before
);

INSERT INTO bugs BY NAME
WITH reported AS (
    SELECT DISTINCT ON (subject)
        seq, subject AS card_id, at_microseconds,
        json_transform(payload, '{
            "rock": "VARCHAR", "name": "VARCHAR", "severity": "VARCHAR", "priority": "DOUBLE", "source": "VARCHAR",
            "by": "VARCHAR", "in_phase": "BOOLEAN", "commit": "VARCHAR", "sandbox": "VARCHAR", "scenario": "VARCHAR"
        }') AS said
    FROM warehouse.events
    WHERE kind = 'bug.reported'
    ORDER BY seq
)
SELECT
    card_id, said.rock AS found_in_rock, said.name AS name, said.severity AS severity, said.priority AS priority,
    said.source AS source, said."by" AS found_by, said.in_phase AS in_phase, said.commit AS commit,
    said.sandbox AS sandbox, said.scenario AS scenario, cards.state,
    make_timestamptz(reported.at_microseconds) AS found_at, cards.ended_at
FROM reported
LEFT JOIN cards USING (card_id)
ORDER BY reported.seq;
