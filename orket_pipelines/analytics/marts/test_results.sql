-- One row per single test of a run: what became of it.
CREATE TABLE IF NOT EXISTS test_results (
    seq BIGINT, -- position of its run in the event log
    run_id VARCHAR, -- the run, unique
    card_id VARCHAR, -- the card whose work was tested; the rock, where what runs of it was tried again
    rock_id VARCHAR, -- its rock; NULL for a card outside any
    attempt BIGINT, -- the attempt of the card, from 1
    suite VARCHAR, -- name of the suite
    purpose VARCHAR, -- what it ran on: head (the branch), merged (the merged tree), sandbox, regression or nightly
    commit VARCHAR, -- the commit that was tested
    name VARCHAR, -- name of the test, unique within its suite
    outcome VARCHAR, -- passed, failed, error, skipped, or flaky: of two runs on the commit it passed one
    seconds DOUBLE, -- seconds that it took
    happened_at TIMESTAMPTZ, -- when its run ended, UTC
);

INSERT INTO test_results BY NAME
WITH finished AS (
    -- A run that is told of twice is one run.
    SELECT DISTINCT ON (told_as)
        seq, coalesce(payload ->> 'run_id', event_id) AS told_as, subject, at_microseconds,
        json_transform(payload, '{
            "suite": "VARCHAR", "purpose": "VARCHAR", "commit": "VARCHAR", "attempt": "BIGINT", "rock": "VARCHAR",
            "cases": [{"name": "VARCHAR", "outcome": "VARCHAR", "seconds": "DOUBLE"}]
        }') AS said
    FROM warehouse.events
    WHERE kind = 'tests.finished' AND seq > getvariable('since')
    ORDER BY seq
),
single AS (
    SELECT seq, told_as, subject, at_microseconds, said, unnest(said.cases) AS test
    FROM finished
    WHERE told_as NOT IN (SELECT run_id FROM test_results)
)
SELECT
    seq, told_as AS run_id, subject AS card_id, said.rock AS rock_id, said.attempt AS attempt, said.suite AS suite,
    said.purpose AS purpose, said.commit AS commit, test.name AS name, test.outcome AS outcome,
    test.seconds AS seconds, make_timestamptz(at_microseconds) AS happened_at
FROM single
ORDER BY seq, name;
