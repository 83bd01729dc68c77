-- One row per reviewer of a pull request: what it said last, and whether that holds for the head as it is.
CREATE TABLE standing_reviews (
    repository VARCHAR, -- the repository of the pull request
    number BIGINT, -- number of the pull request within its repository
    card_id VARCHAR, -- the card whose work was reviewed
    rock_id VARCHAR, -- its rock; NULL for a card outside any
    reviewer VARCHAR, -- the role, or the person, that reviewed
    verdict VARCHAR, -- what it decided last: approved or changes_requested
    commit VARCHAR, -- the newest commit that this is about: an approval goes over to a commit of the same patch
    holds BOOLEAN, -- whether that commit is the head; NULL where no commit is known
    reviews BIGINT, -- reviews that it gave, kept approvals left out
    changes_requested BIGINT, -- how many of them asked for changes
    body VARCHAR, -- what it said last
    happened_at TIMESTAMPTZ, -- when it said so, UTC
);

INSERT INTO standing_reviews BY NAME
WITH kept AS (
    SELECT
        seq, subject AS card_id, at_microseconds,
        json_transform(payload, '{
            "repository": "VARCHAR", "number": "BIGINT", "reviewer": "VARCHAR", "commit": "VARCHAR", "body": "VARCHAR",
            "rock": "VARCHAR"
        }') AS said
    FROM warehouse.events
    WHERE kind = 'pull_request.approval_kept'
),
given AS (
    SELECT seq, repository, number, card_id, rock_id, reviewer, verdict, commit, body, happened_at
    FROM reviews
    WHERE verdict <> 'commented'
    UNION ALL BY NAME
    SELECT
        seq, said.repository AS repository, said.number AS number, card_id, said.rock AS rock_id,
        said.reviewer AS reviewer, 'approved' AS verdict, said.commit AS commit, said.body AS body,
        make_timestamptz(at_microseconds) AS happened_at
    FROM kept
),
last_words AS (
    SELECT DISTINCT ON (repository, number, reviewer) *
    FROM given
    ORDER BY seq DESC
),
counted AS (
    SELECT
        repository, number, reviewer, count(*) AS reviews,
        count(*) FILTER (verdict = 'changes_requested') AS changes_requested
    FROM reviews
    GROUP BY repository, number, reviewer
),
heads AS (
    SELECT DISTINCT ON (repository, head)
        payload ->> 'repository' AS repository, payload ->> 'branch' AS head, payload ->> 'commit' AS commit
    FROM warehouse.events
    WHERE kind = 'code.committed'
    ORDER BY seq DESC
)
SELECT
    words.repository, words.number, words.card_id, words.rock_id, words.reviewer, words.verdict, words.commit,
    words.commit = heads.commit AS holds, coalesce(counted.reviews, 0) AS reviews,
    coalesce(counted.changes_requested, 0) AS changes_requested, words.body, words.happened_at
FROM last_words AS words
LEFT JOIN counted ON counted.repository = words.repository AND counted.number = words.number
    AND counted.reviewer = words.reviewer
LEFT JOIN pull_requests AS request ON request.repository = words.repository AND request.number = words.number
LEFT JOIN heads ON heads.repository = words.repository AND heads.head = request.head
ORDER BY words.repository, words.number, words.seq;
