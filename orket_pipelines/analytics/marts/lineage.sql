-- One row per attempt at a card: from the issue through the models and the commit to the merge, and what it cost.
CREATE TABLE lineage (
    card_id VARCHAR, -- the issue
    rock_id VARCHAR, -- its rock; NULL for a card outside any
    attempt BIGINT, -- the attempt, from 1
    models VARCHAR[], -- the models that worked on it, reviewers included, by name
    repository VARCHAR, -- the repository worked in
    branch VARCHAR, -- the branch worked on
    base_commit VARCHAR, -- the commit that the attempt started from
    commit VARCHAR, -- the last commit of the attempt; NULL before the first
    pull_request BIGINT, -- number of its pull request; NULL before it is opened
    merge_commit VARCHAR, -- the commit that merged it; NULL where it is not merged
    sessions BIGINT, -- sessions in all
    cost DECIMAL(18, 9), -- USD; NULL where no price is known for any turn
    started_at TIMESTAMPTZ, -- when the attempt began, UTC
    merged_at TIMESTAMPTZ, -- when it was merged, UTC; NULL where it is not merged
);

INSERT INTO lineage BY NAME
WITH started AS (
    SELECT DISTINCT ON (subject, coalesce(payload ->> 'attempt', event_id))
        seq, subject AS card_id, at_microseconds,
        json_transform(payload, '{
            "attempt": "BIGINT", "repository": "VARCHAR", "branch": "VARCHAR", "base_commit": "VARCHAR",
            "rock": "VARCHAR"
        }') AS said
    FROM warehouse.events
    WHERE kind = 'attempt.started'
    ORDER BY seq
),
committed AS (
    SELECT DISTINCT ON (card_id, attempt)
        subject AS card_id, TRY_CAST(payload ->> 'attempt' AS BIGINT) AS attempt, payload ->> 'commit' AS commit
    FROM warehouse.events
    WHERE kind = 'code.committed'
    ORDER BY seq DESC
),
requested AS (
    SELECT DISTINCT ON (card_id, attempt) card_id, attempt, number, state, merge_commit, ended_at
    FROM pull_requests
    ORDER BY opened_at DESC, number DESC
),
worked AS (
    SELECT card_id, attempt, list(DISTINCT model ORDER BY model) AS models, count(*) AS sessions, sum(cost) AS cost
    FROM session_history
    GROUP BY card_id, attempt
)
SELECT
    started.card_id, started.said.rock AS rock_id, started.said.attempt AS attempt,
    coalesce(worked.models, []) AS models, started.said.repository AS repository, started.said.branch AS branch,
    started.said.base_commit AS base_commit, committed.commit, requested.number AS pull_request,
    requested.merge_commit, coalesce(worked.sessions, 0) AS sessions, worked.cost,
    make_timestamptz(started.at_microseconds) AS started_at,
    CASE requested.state WHEN 'merged' THEN requested.ended_at END AS merged_at
FROM started
LEFT JOIN committed ON committed.card_id = started.card_id AND committed.attempt = started.said.attempt
LEFT JOIN requested ON requested.card_id = started.card_id AND requested.attempt = started.said.attempt
LEFT JOIN worked ON worked.card_id = started.card_id AND worked.attempt = started.said.attempt
ORDER BY started.seq;
