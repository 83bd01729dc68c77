-- name: day
-- The one row of a day; none where nothing happened.
SELECT * EXCLUDE (day) FROM daily_metrics WHERE day = DATE '{day}';

-- name: models
-- What each model did and cost on a day; cost is NULL where no price is known.
SELECT
    model, count(*) AS turns, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
    CAST(sum(cost) AS DOUBLE) AS cost, median(seconds) AS median_seconds
FROM turns
WHERE CAST(happened_at AT TIME ZONE 'UTC' AS DATE) = DATE '{day}'
GROUP BY model
ORDER BY turns DESC;

-- name: sessions
-- The size of the session history, and its newest rows.
SELECT count(*) AS sessions, sum(turns) AS turns, sum(tool_calls) AS tool_calls, sum(denied) AS denied
FROM session_history;
