-- name: days
-- What happened on some days; no row for a day on which nothing did.
SELECT * FROM daily_metrics WHERE day IN ({days});

-- name: models
-- What each model did and cost on these days; cost is NULL where no price is known.
SELECT
    CAST(happened_at AT TIME ZONE 'UTC' AS DATE) AS day, model, count(*) AS turns, sum(input_tokens) AS input_tokens,
    sum(output_tokens) AS output_tokens, CAST(sum(cost) AS DOUBLE) AS cost, median(seconds) AS median_seconds
FROM turns
WHERE CAST(happened_at AT TIME ZONE 'UTC' AS DATE) IN ({days})
GROUP BY ALL
ORDER BY turns DESC;

-- name: sessions
-- The size of the session history.
SELECT count(*) AS sessions, sum(turns) AS turns, sum(tool_calls) AS tool_calls, sum(denied) AS denied
FROM session_history;

-- name: plotted
-- What is drawn of these days (UTC), a row for each on which something of it happened. Hours are those of issues done.
WITH seen AS (
    SELECT CAST(found_at AT TIME ZONE 'UTC' AS DATE) AS day, count(*) AS found FROM bugs GROUP BY day
    UNION ALL BY NAME
    SELECT CAST(ended_at AT TIME ZONE 'UTC' AS DATE) AS day, count(*) AS fixed
    FROM bugs
    WHERE state = 'done'
    GROUP BY day
    UNION ALL BY NAME
    SELECT day, 100 * sum(up_seconds) / nullif(sum(up_seconds + down_seconds), 0) AS uptime
    FROM sandbox_uptime
    GROUP BY day
    UNION ALL BY NAME
    SELECT
        CAST(ended_at AT TIME ZONE 'UTC' AS DATE) AS day, median(cycle_seconds) / 3600 AS half_within,
        max(cycle_seconds) / 3600 AS longest
    FROM issue_cycle_times
    WHERE state = 'done'
    GROUP BY day
    UNION ALL BY NAME
    SELECT
        CAST(happened_at AT TIME ZONE 'UTC' AS DATE) AS day, count(*) FILTER (outcome = 'flaky') AS flaky,
        count(*) FILTER (outcome IN ('failed', 'error')) AS failed
    FROM test_results
    GROUP BY day
)
SELECT
    day, max(found) AS found, max(fixed) AS fixed, max(uptime) AS uptime, max(half_within) AS half_within,
    max(longest) AS longest, max(flaky) AS flaky, max(failed) AS failed
FROM seen
WHERE day IN ({days})
GROUP BY day;
