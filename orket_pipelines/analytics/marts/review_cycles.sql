-- One row per commit of a pull request that was reviewed: one cycle of review.
CREATE TABLE review_cycles (
    repository VARCHAR, -- the repository of the pull request
    number BIGINT, -- number of the pull request within its repository
    card_id VARCHAR, -- the card whose work was reviewed
    rock_id VARCHAR, -- its rock; NULL for a card outside any
    cycle BIGINT, -- the cycle within the pull request, from 1
    commit VARCHAR, -- the head commit that was reviewed
    reviews BIGINT, -- reviews of it
    approvals BIGINT, -- those that approved it
    changes_requested BIGINT, -- those that asked for changes
    outcome VARCHAR, -- approved, changes_requested or commented, by the last word of each reviewer; changes win
    waited_seconds DOUBLE, -- seconds from the commit to its first review; NULL where the commit was not told
    seconds DOUBLE, -- seconds from its first review to its last
    first_review_at TIMESTAMPTZ, -- when it was first reviewed, UTC
    last_review_at TIMESTAMPTZ, -- when it was last reviewed, UTC
);

INSERT INTO review_cycles BY NAME
WITH last_words AS (
    SELECT DISTINCT ON (repository, number, commit, reviewer) repository, number, commit, verdict
    FROM reviews
    WHERE verdict <> 'commented'
    ORDER BY seq DESC
),
decided AS (
    SELECT
        repository, number, commit,
        CASE WHEN bool_or(verdict = 'changes_requested') THEN 'changes_requested' ELSE 'approved' END AS outcome
    FROM last_words
    GROUP BY repository, number, commit
),
committed AS (
    SELECT
        payload ->> 'repository' AS repository, payload ->> 'commit' AS commit, min(at_microseconds) AS at_microseconds
    FROM warehouse.events
    WHERE kind = 'code.committed'
    GROUP BY ALL
),
rounds AS (
    SELECT
        repository, number, commit, any_value(card_id) AS card_id, any_value(rock_id) AS rock_id, min(seq) AS seq,
        count(*) AS reviews, count(*) FILTER (verdict = 'approved') AS approvals,
        count(*) FILTER (verdict = 'changes_requested') AS changes_requested,
        arg_min(happened_at, seq) AS first_review_at, arg_max(happened_at, seq) AS last_review_at
    FROM reviews
    GROUP BY repository, number, commit
)
SELECT
    rounds.repository, rounds.number, rounds.card_id, rounds.rock_id,
    row_number() OVER (PARTITION BY rounds.repository, rounds.number ORDER BY rounds.seq) AS cycle,
    rounds.commit, rounds.reviews, rounds.approvals, rounds.changes_requested,
    coalesce(decided.outcome, 'commented') AS outcome,
    CASE
        WHEN committed.commit IS NOT NULL
        THEN (epoch_us(first_review_at) - least(committed.at_microseconds, epoch_us(first_review_at))) / 1e6
    END AS waited_seconds,
    (epoch_us(last_review_at) - least(epoch_us(first_review_at), epoch_us(last_review_at))) / 1e6 AS seconds,
    first_review_at, last_review_at
FROM rounds
LEFT JOIN decided ON decided.repository = rounds.repository AND decided.number = rounds.number
    AND decided.commit = rounds.commit
LEFT JOIN committed ON committed.repository = rounds.repository AND committed.commit = rounds.commit
ORDER BY rounds.seq;
