-- One row per review of a pull request.
CREATE TABLE IF NOT EXISTS reviews (
    seq BIGINT, -- position in the event log
    repository VARCHAR, -- the repository of the pull request
    number BIGINT, -- number of the pull request within its repository
    card_id VARCHAR, -- the card whose work was reviewed
    rock_id VARCHAR, -- its rock; NULL for a card outside any
    reviewer VARCHAR, -- the role, or the person, that reviewed
    verdict VARCHAR, -- what it decided: approved, changes_requested or commented
    commit VARCHAR, -- the head commit that it reviewed
    body VARCHAR, -- what it said
    happened_at TIMESTAMPTZ, -- when, UTC
);

INSERT INTO reviews BY NAME
WITH reviewed AS (
    SELECT
        seq, subject, at_microseconds,
        json_transform(payload, '{
            "repository": "VARCHAR", "number": "BIGINT", "reviewer": "VARCHAR", "verdict": "VARCHAR",
            "commit": "VARCHAR", "body": "VARCHAR", "rock": "VARCHAR"
        }') AS said
    FROM warehouse.events
    WHERE kind = 'pull_request.reviewed' AND seq > getvariable('since')
),
-- The same words of the same reviewer about the same commit are one review.
told AS (
    SELECT DISTINCT ON (said.repository, said.number, said.reviewer, said.commit, said.verdict, said.body) *
    FROM reviewed
    ORDER BY seq
)
SELECT
    seq, said.repository AS repository, said.number AS number, subject AS card_id, said.rock AS rock_id,
    said.reviewer AS reviewer, said.verdict AS verdict, said.commit AS commit, said.body AS body,
    make_timestamptz(at_microseconds) AS happened_at
FROM told
WHERE NOT EXISTS (
    FROM reviews AS known
    WHERE (known.repository, known.number, known.reviewer, known.commit, known.verdict, known.body)
        IS NOT DISTINCT FROM (said.repository, said.number, said.reviewer, said.commit, said.verdict, said.body)
)
ORDER BY seq;
