-- One row per issue that was begun: how long it took, and in which states.
CREATE TABLE issue_cycle_times (
    card_id VARCHAR, -- the issue, utility or app
    rock_id VARCHAR, -- its rock; NULL for a card outside any
    name VARCHAR, -- display name
    state VARCHAR, -- where it stands
    attempts BIGINT, -- attempts begun
    sent_back BIGINT, -- how often it went back to in_progress out of tests or review
    ready_seconds DOUBLE, -- seconds from its import to its first start
    working_seconds DOUBLE, -- seconds in in_progress
    testing_seconds DOUBLE, -- seconds in ready_for_testing
    review_seconds DOUBLE, -- seconds in code_review, merge and verification included
    waiting_seconds DOUBLE, -- seconds in blocked or waiting_for_developer
    cycle_seconds DOUBLE, -- seconds from its first start to its end; NULL before
    lead_seconds DOUBLE, -- seconds from its import to its end; NULL before
    started_at TIMESTAMPTZ, -- when it was first begun, UTC
    ended_at TIMESTAMPTZ, -- when it was done or canceled, UTC; NULL before
);

-- A state that it still stands in counts when it leaves it. A clock that was set back takes nothing away.
INSERT INTO issue_cycle_times BY NAME
WITH stood AS (
    SELECT card_id, from_state, to_state, greatest(0, seconds_in_from_state) AS seconds
    FROM card_transitions
    WHERE kind IN ('issue', 'utility', 'app')
),
spent AS (
    SELECT
        card_id,
        coalesce(sum(seconds) FILTER (from_state = 'in_progress'), 0) AS working_seconds,
        coalesce(sum(seconds) FILTER (from_state = 'ready_for_testing'), 0) AS testing_seconds,
        coalesce(sum(seconds) FILTER (from_state = 'code_review'), 0) AS review_seconds,
        coalesce(sum(seconds) FILTER (from_state IN ('blocked', 'waiting_for_developer')), 0) AS waiting_seconds,
        count(*) FILTER (to_state = 'in_progress' AND from_state IN ('ready_for_testing', 'code_review')) AS sent_back
    FROM stood
    GROUP BY card_id
)
SELECT
    card_id, rock_id, name, state, attempt AS attempts, sent_back,
    (epoch_us(started_at) - least(epoch_us(created_at), epoch_us(started_at))) / 1e6 AS ready_seconds,
    working_seconds, testing_seconds, review_seconds, waiting_seconds,
    (epoch_us(ended_at) - least(epoch_us(started_at), epoch_us(ended_at))) / 1e6 AS cycle_seconds,
    (epoch_us(ended_at) - least(epoch_us(created_at), epoch_us(ended_at))) / 1e6 AS lead_seconds,
    started_at, ended_at
FROM cards
JOIN spent USING (card_id)
WHERE started_at IS NOT NULL
ORDER BY started_at, card_id;
