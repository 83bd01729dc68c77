-- One row per finished run of a test suite.
CREATE TABLE test_runs (
    seq BIGINT, -- position in the event log
    card_id VARCHAR, -- the card whose work was tested
    rock_id VARCHAR, -- its rock; NULL for a card outside any
    attempt BIGINT, -- the attempt of the card, from 1
    suite VARCHAR, -- name of the suite
    purpose VARCHAR, -- why it ran
    commit VARCHAR, -- the commit that was tested
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
    SELECT
        seq, subject, at_microseconds,
        json_transform(payload, '{
            "suite": "VARCHAR", "purpose": "VARCHAR", "commit": "VARCHAR", "passed": "BOOLEAN",
            "counts": {"passed": "BIGINT", "failed": "BIGINT", "errors": "BIGINT", "skipped": "BIGINT"},
            "seconds": "DOUBLE", "attempt": "BIGINT", "rock": "VARCHAR"
        }') AS said
    FROM warehouse.events
    WHERE kind = 'tests.finished'
)
SELECT
    seq, subject AS card_id, said.rock AS rock_id, said.attempt AS attempt, said.suite AS suite,
    said.purpose AS purpose, said.commit AS commit, said.passed AS passed, said.counts.passed AS tests_passed,
    said.counts.failed AS tests_failed, said.counts.errors AS tests_errors, said.counts.skipped AS tests_skipped,
    said.seconds AS seconds, make_timestamptz(at_microseconds) AS happened_at
FROM finished
ORDER BY seq;
