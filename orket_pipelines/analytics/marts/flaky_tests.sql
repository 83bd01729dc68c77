-- One row per test that passed and failed on one and the same commit, in two runs or in a run and its repetition.
CREATE TABLE flaky_tests (
    rock_id VARCHAR, -- the rock that it is a test of; NULL for a card outside any
    suite VARCHAR, -- name of the suite
    name VARCHAR, -- name of the test, unique within its suite
    runs BIGINT, -- runs in which it was not left out
    failures BIGINT, -- runs in which it failed or could not run
    flaky_runs BIGINT, -- runs that repeated it, and saw it pass once and fail once
    flaky_commits BIGINT, -- commits on which it did both
    last_commit VARCHAR, -- the newest of these
    first_seen_at TIMESTAMPTZ, -- when it first did both, UTC
    last_seen_at TIMESTAMPTZ, -- when it last did, UTC
);

INSERT INTO flaky_tests BY NAME
WITH ran AS (
    SELECT
        rock_id, suite, name, commit, purpose, seq, happened_at, outcome = 'flaky' AS is_flaky,
        outcome IN ('failed', 'error') AS is_bad, outcome = 'passed' AS is_good
    FROM test_results
    WHERE outcome <> 'skipped'
),
on_commit AS (
    SELECT
        rock_id, suite, name, commit, max(seq) AS seq, max(happened_at) AS seen_at
    FROM ran
    GROUP BY rock_id, suite, name, commit, purpose
    HAVING bool_or(is_flaky) OR (bool_or(is_good) AND bool_or(is_bad))
),
counted AS (
    SELECT
        rock_id, suite, name, count(*) AS runs, count(*) FILTER (is_bad) AS failures,
        count(*) FILTER (is_flaky) AS flaky_runs
    FROM ran
    GROUP BY rock_id, suite, name
)
SELECT
    on_commit.rock_id, on_commit.suite, on_commit.name, any_value(counted.runs) AS runs,
    any_value(counted.failures) AS failures, any_value(counted.flaky_runs) AS flaky_runs,
    count(DISTINCT on_commit.commit) AS flaky_commits, arg_max(on_commit.commit, on_commit.seq) AS last_commit,
    min(on_commit.seen_at) AS first_seen_at, max(on_commit.seen_at) AS last_seen_at
FROM on_commit
JOIN counted ON counted.rock_id IS NOT DISTINCT FROM on_commit.rock_id AND counted.suite = on_commit.suite
    AND counted.name = on_commit.name
GROUP BY on_commit.rock_id, on_commit.suite, on_commit.name
ORDER BY on_commit.rock_id, on_commit.suite, on_commit.name;
