-- One row per sandbox and day (UTC) on which it was to run: how long it did.
CREATE TABLE sandbox_uptime (
    sandbox_id VARCHAR, -- the sandbox; a rock has one
    rock_id VARCHAR, -- the rock whose main line runs there
    day DATE, -- the day, UTC
    running_seconds DOUBLE, -- seconds as running
    unhealthy_seconds DOUBLE, -- seconds as unhealthy: it was there, and did not answer
    failed_seconds DOUBLE, -- seconds as failed: nothing ran
    deploying_seconds DOUBLE, -- seconds in which it was being deployed
    uptime DOUBLE, -- running out of these four, 0 to 1
);

-- Stopped or removed on purpose is no downtime, and is left out. The last state lasts to the last event of the log.
INSERT INTO sandbox_uptime BY NAME
WITH states AS (
    SELECT
        sandbox_id, rock_id, state, happened_at AS since,
        coalesce(lead(happened_at) OVER (PARTITION BY sandbox_id ORDER BY seq), about.last_event_at) AS until
    FROM sandboxes
    CROSS JOIN about
),
-- A clock that was set back leaves an interval without a length.
days AS (
    SELECT *, unnest(generate_series(date_trunc('day', since), until, INTERVAL 1 DAY)) AS day
    FROM states
    WHERE state IN ('running', 'unhealthy', 'failed', 'deploying') AND until > since
),
stood AS (
    SELECT
        sandbox_id, rock_id, state, CAST(day AS DATE) AS day,
        greatest(0, (epoch_us(least(until, day + INTERVAL 1 DAY)) - epoch_us(greatest(since, day))) / 1e6) AS seconds
    FROM days
),
summed AS (
    SELECT
        sandbox_id, any_value(rock_id) AS rock_id, day, coalesce(sum(seconds) FILTER (state = 'running'), 0) AS running_seconds,
        coalesce(sum(seconds) FILTER (state = 'unhealthy'), 0) AS unhealthy_seconds,
        coalesce(sum(seconds) FILTER (state = 'failed'), 0) AS failed_seconds,
        coalesce(sum(seconds) FILTER (state = 'deploying'), 0) AS deploying_seconds, sum(seconds) AS seconds
    FROM stood
    GROUP BY sandbox_id, day
)
SELECT
    sandbox_id, rock_id, day, running_seconds, unhealthy_seconds, failed_seconds, deploying_seconds,
    running_seconds / seconds AS uptime
FROM summed
WHERE seconds > 0
ORDER BY day, sandbox_id;
