-- One row per pull request, as it stands now.
CREATE TABLE pull_requests (
    repository VARCHAR, -- the repository it belongs to
    number BIGINT, -- its number within the repository
    card_id VARCHAR, -- the card whose work it holds
    rock_id VARCHAR, -- its rock; NULL for a card outside any
    attempt BIGINT, -- the attempt of the card, from 1
    title VARCHAR, -- its title
    head VARCHAR, -- the branch to be merged
    commit VARCHAR, -- the head commit when it was opened
    state VARCHAR, -- open, merged or closed
    merge_commit VARCHAR, -- the commit that merged it; NULL where it is not merged
    reviews BIGINT, -- reviews in all
    changes_requested BIGINT, -- reviews that asked for changes
    opened_at TIMESTAMPTZ, -- when it was opened, UTC
    ended_at TIMESTAMPTZ, -- when it was merged or closed, UTC; NULL while it is open
    seconds DOUBLE, -- seconds from opened to ended; NULL while it is open
);

INSERT INTO pull_requests BY NAME
WITH opened AS (
    SELECT DISTINCT ON (coalesce((payload ->> 'repository') || ':' || (payload ->> 'number'), event_id))
        seq, subject, at_microseconds,
        json_transform(payload, '{
            "repository": "VARCHAR", "number": "BIGINT", "head": "VARCHAR", "commit": "VARCHAR", "title": "VARCHAR",
            "attempt": "BIGINT", "rock": "VARCHAR"
        }') AS said
    FROM warehouse.events
    WHERE kind = 'pull_request.opened'
    ORDER BY seq
),
ended AS (
    SELECT DISTINCT ON (repository, number)
        payload ->> 'repository' AS repository, TRY_CAST(payload ->> 'number' AS BIGINT) AS number, at_microseconds,
        CASE kind WHEN 'pull_request.merged' THEN 'merged' ELSE 'closed' END AS state,
        payload ->> 'merge_commit' AS merge_commit
    FROM warehouse.events
    WHERE kind IN ('pull_request.merged', 'pull_request.closed')
    -- A forge may report a merged pull request as closed too: merged says more.
    ORDER BY kind = 'pull_request.merged' DESC, seq
),
reviewed AS (
    SELECT
        repository, number, count(*) AS reviews,
        count(*) FILTER (verdict = 'changes_requested') AS changes_requested
    FROM reviews
    GROUP BY repository, number
)
SELECT
    said.repository AS repository, said.number AS number, subject AS card_id, said.rock AS rock_id,
    said.attempt AS attempt, said.title AS title, said.head AS head, said.commit AS commit,
    coalesce(ended.state, 'open') AS state, ended.merge_commit, coalesce(reviewed.reviews, 0) AS reviews,
    coalesce(reviewed.changes_requested, 0) AS changes_requested,
    make_timestamptz(opened.at_microseconds) AS opened_at, make_timestamptz(ended.at_microseconds) AS ended_at,
    (ended.at_microseconds - opened.at_microseconds) / 1e6 AS seconds
FROM opened
LEFT JOIN ended ON ended.repository = said.repository AND ended.number = said.number
LEFT JOIN reviewed ON reviewed.repository = said.repository AND reviewed.number = said.number
ORDER BY opened.seq;
