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
