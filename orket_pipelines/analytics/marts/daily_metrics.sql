-- One row per day (UTC) on which anything below happened: what the factory did and what it cost.
CREATE TABLE daily_metrics (
    day DATE, -- the day, UTC
    cards_done BIGINT, -- issues, utilities and apps that were done
    sessions BIGINT, -- sessions started
    turns BIGINT, -- model turns
    tool_calls BIGINT, -- tool calls, denied ones included
    denied BIGINT, -- tool calls that the gate refused
    input_tokens BIGINT, -- tokens read
    output_tokens BIGINT, -- tokens written
    cost DECIMAL(18, 9), -- USD, of the turns whose price is known
    test_runs BIGINT, -- runs of a test suite
    failed_test_runs BIGINT, -- runs that did not pass
    tests BIGINT, -- single tests run, skipped ones left out
    failed_tests BIGINT, -- single tests that failed or could not run
    merges BIGINT, -- pull requests merged
    violations BIGINT, -- moves and tool calls refused by policy
);

-- Days are UTC whatever the session's zone: a timestamp with time zone becomes a date in TimeZone, which the builder sets.
INSERT INTO daily_metrics BY NAME
WITH counted AS (
    SELECT CAST(happened_at AS DATE) AS day, count(*) AS cards_done
    FROM card_transitions
    WHERE to_state = 'done' AND kind IN ('issue', 'utility', 'app')
    GROUP BY day
    UNION ALL BY NAME
    SELECT CAST(started_at AS DATE) AS day, count(*) AS sessions
    FROM session_history
    GROUP BY day
    UNION ALL BY NAME
    SELECT
        CAST(happened_at AS DATE) AS day, count(*) AS turns, sum(input_tokens) AS input_tokens,
        sum(output_tokens) AS output_tokens, sum(cost) AS cost
    FROM turns
    GROUP BY day
    UNION ALL BY NAME
    SELECT CAST(happened_at AS DATE) AS day, count(*) AS tool_calls, count(*) FILTER (verdict = 'denied') AS denied
    FROM tool_calls
    GROUP BY day
    UNION ALL BY NAME
    SELECT
        CAST(happened_at AS DATE) AS day, count(*) AS test_runs, count(*) FILTER (passed IS NOT TRUE) AS failed_test_runs,
        sum(coalesce(tests_passed, 0) + coalesce(tests_failed, 0) + coalesce(tests_errors, 0)) AS tests,
        sum(coalesce(tests_failed, 0) + coalesce(tests_errors, 0)) AS failed_tests
    FROM test_runs
    GROUP BY day
    UNION ALL BY NAME
    SELECT CAST(ended_at AS DATE) AS day, count(*) AS merges
    FROM pull_requests
    WHERE state = 'merged'
    GROUP BY day
    UNION ALL BY NAME
    SELECT CAST(happened_at AS DATE) AS day, count(*) AS violations
    FROM policy_violations
    GROUP BY day
)
SELECT
    day,
    coalesce(sum(cards_done), 0) AS cards_done, coalesce(sum(sessions), 0) AS sessions, coalesce(sum(turns), 0) AS turns,
    coalesce(sum(tool_calls), 0) AS tool_calls, coalesce(sum(denied), 0) AS denied,
    coalesce(sum(input_tokens), 0) AS input_tokens, coalesce(sum(output_tokens), 0) AS output_tokens,
    coalesce(sum(cost), 0) AS cost, coalesce(sum(test_runs), 0) AS test_runs,
    coalesce(sum(failed_test_runs), 0) AS failed_test_runs, coalesce(sum(tests), 0) AS tests,
    coalesce(sum(failed_tests), 0) AS failed_tests, coalesce(sum(merges), 0) AS merges,
    coalesce(sum(violations), 0) AS violations
FROM counted
GROUP BY day
ORDER BY day;
