-- One row per finished run of a test suite.
CREATE TABLE IF NOT EXISTS test_runs (
    seq BIGINT, -- position in the event log
    run_id VARCHAR, -- the run, unique; `orket tests show` takes it
    card_id VARCHAR, -- the card whose work was tested; the rock, where what runs of it was tried again
    rock_id VARCHAR, -- its rock; NULL for a card outside any
    attempt BIGINT, -- the attempt of the card, from 1
    suite VARCHAR, -- name of the suite
    kind VARCHAR, -- project, healthy, http, e2e, smoke, openapi, scenarios or missing
    purpose VARCHAR, -- what it ran on: head (the branch), merged (the merged tree), sandbox, regression or nightly
    commit VARCHAR, -- the commit that was tested
    sandbox_id VARCHAR, -- the sandbox it ran against; NULL without one
    passed BOOLEAN, -- whether the whole run counts as passed
    tests_passed BIGINT, -- tests that passed
    tests_failed BIGINT, -- tests that failed
    tests_errors BIGINT, -- tests that could not run
    tests_skipped BIGINT, -- tests left out
    seconds DOUBLE, -- seconds from start to end
    happened_at TIMESTAMPTZ, -- when it ended, UTC
);

INSERT INTO test_runs BY NAME
WITH finished AS (
    -- A run that is told of twice is one run.
    SELECT DISTINCT ON (told_as)
        seq, coalesce(payload ->> 'run_id', event_id) AS told_as, subject, at_microseconds,
        json_transform(payload, '{
            "suite": "VARCHAR", "kind": "VARCHAR", "sandbox_id": "VARCHAR", "purpose": "VARCHAR",
            "commit": "VARCHAR", "passed": "BOOLEAN",
            "counts": {"passed": "BIGINT", "failed": "BIGINT", "errors": "BIGINT", "skipped": "BIGINT"},
            "seconds": "DOUBLE", "attempt": "BIGINT", "rock": "VARCHAR"
        }') AS said
    FROM warehouse.events
    WHERE kind = 'tests.finished' AND seq > getvariable('since')
    ORDER BY seq
)
SELECT
    seq, told_as AS run_id, subject AS card_id, said.rock AS rock_id, said.attempt AS attempt, said.suite AS suite,
    coalesce(said.kind, 'project') AS kind, said.sandbox_id AS sandbox_id, said.purpose AS purpose,
    said.commit AS commit, said.passed AS passed, said.counts.passed AS tests_passed,
    said.counts.failed AS tests_failed, said.counts.errors AS tests_errors, said.counts.skipped AS tests_skipped,
    said.seconds AS seconds, make_timestamptz(at_microseconds) AS happened_at
FROM finished
WHERE told_as NOT IN (SELECT run_id FROM test_runs)
ORDER BY seq;
