-- One row per bug-fix phase of a rock: how long it goes on, and what it came to.
CREATE TABLE bug_phase_summary (
    rock_id VARCHAR, -- the rock
    state VARCHAR, -- active, extended, completed or aborted
    planned_days DOUBLE, -- days of 86,400 s that it is, or was, to last
    elapsed_days DOUBLE, -- days that it went on, by a clock that nobody sets; up to the last event while it goes on
    extensions BIGINT, -- how often it was extended
    found BIGINT, -- bugs found in it
    fixed BIGINT, -- those that were fixed in it
    rate DOUBLE, -- bugs found in each whole day; in the first day their number
    reason VARCHAR, -- why it was extended or ended last; empty before
    left_to VARCHAR, -- the rock that open bugs went to; NULL where none were left, or it goes on
    sessions BIGINT, -- sessions that agents spent on its bugs, up to now
    cost DECIMAL(18, 9), -- USD, of these; NULL where no price is known
    started_at TIMESTAMPTZ, -- when it began, UTC
    ended_at TIMESTAMPTZ, -- when it ended, UTC; NULL while it goes on
);

INSERT INTO bug_phase_summary BY NAME
WITH told AS (
    SELECT
        seq, kind, subject AS rock_id, at_microseconds,
        json_transform(payload, '{
            "state": "VARCHAR", "planned_days": "DOUBLE", "elapsed_days": "DOUBLE", "extensions": "BIGINT",
            "reason": "VARCHAR", "left_to": "VARCHAR"
        }') AS said
    FROM warehouse.events
    WHERE kind IN ('bug_phase.started', 'bug_phase.extended', 'bug_phase.ended')
),
started AS (
    SELECT DISTINCT ON (rock_id) rock_id, seq, at_microseconds
    FROM told
    WHERE kind = 'bug_phase.started'
    ORDER BY seq
),
-- By how far it has come, as something old may be told of again.
newest AS (
    SELECT DISTINCT ON (rock_id) rock_id, said
    FROM told
    ORDER BY kind = 'bug_phase.ended' DESC, said.extensions DESC NULLS LAST, seq DESC
),
ended AS (
    SELECT DISTINCT ON (rock_id) rock_id, seq, at_microseconds
    FROM told
    WHERE kind = 'bug_phase.ended'
    ORDER BY seq
),
counted AS (
    SELECT
        bugs.found_in_rock AS rock_id, count(*) AS found,
        count(*) FILTER (EXISTS (
            FROM card_transitions AS moved
            WHERE moved.card_id = bugs.card_id AND moved.to_state = 'done'
                AND moved.seq < coalesce(ended.seq, moved.seq + 1)
        )) AS fixed
    FROM bugs
    LEFT JOIN ended ON ended.rock_id = bugs.found_in_rock
    WHERE bugs.in_phase
    GROUP BY bugs.found_in_rock
),
spent AS (
    SELECT bugs.found_in_rock AS rock_id, count(*) AS sessions, sum(session_history.cost) AS cost
    FROM bugs
    JOIN session_history USING (card_id)
    WHERE bugs.in_phase
    GROUP BY bugs.found_in_rock
),
lasting AS (
    SELECT
        started.rock_id,
        CASE
            WHEN ended.seq IS NOT NULL THEN newest.said.elapsed_days
            ELSE greatest(0, (epoch_us(about.last_event_at) - started.at_microseconds) / 86400e6)
        END AS days
    FROM started
    JOIN newest USING (rock_id)
    LEFT JOIN ended USING (rock_id)
    CROSS JOIN about
)
SELECT
    rock_id, newest.said.state AS state, newest.said.planned_days AS planned_days, lasting.days AS elapsed_days,
    newest.said.extensions AS extensions, coalesce(counted.found, 0) AS found, coalesce(counted.fixed, 0) AS fixed,
    coalesce(counted.found, 0) / greatest(1, floor(lasting.days)) AS rate, newest.said.reason AS reason,
    newest.said.left_to AS left_to, coalesce(spent.sessions, 0) AS sessions, spent.cost,
    make_timestamptz(started.at_microseconds) AS started_at, make_timestamptz(ended.at_microseconds) AS ended_at
FROM started
JOIN newest USING (rock_id)
JOIN lasting USING (rock_id)
LEFT JOIN ended USING (rock_id)
LEFT JOIN counted USING (rock_id)
LEFT JOIN spent USING (rock_id)
ORDER BY started.seq;
