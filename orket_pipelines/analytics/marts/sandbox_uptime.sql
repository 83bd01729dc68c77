-- One row per sandbox and day (UTC) on which it was to run: for how long it was seen to.
CREATE TABLE sandbox_uptime (
    sandbox_id VARCHAR, -- the sandbox; a rock has one
    rock_id VARCHAR, -- the rock whose main line runs there
    day DATE, -- the day, UTC
    up_seconds DOUBLE, -- seconds for which it was seen running
    down_seconds DOUBLE, -- seconds for which it was seen unhealthy or failed
    unknown_seconds DOUBLE, -- seconds for which nobody looked, or it was being deployed
    uptime DOUBLE, -- up out of what is known, 0 to 1; NULL where nothing is
);

-- A look, and a change, speaks for the 1,200 s after it, as `orket sandboxes` has it. Stopped or removed on purpose is
-- left out. The last state lasts to the last event of the log; a clock that was set back leaves no time at all.
INSERT INTO sandbox_uptime BY NAME
WITH looks AS (
    SELECT
        seq, subject AS sandbox_id, payload ->> 'rock_id' AS rock_id, payload ->> 'state' AS state,
        make_timestamptz(at_microseconds) AS since,
        CASE WHEN (payload ->> 'unknown') IS NULL THEN INTERVAL 1200 SECONDS ELSE INTERVAL 0 SECONDS END AS vouches
    FROM warehouse.events
    WHERE kind IN ('sandbox.changed', 'sandbox.observed')
),
states AS (
    SELECT
        sandbox_id, rock_id, state, since, since + vouches AS vouched,
        coalesce(lead(since) OVER (PARTITION BY sandbox_id ORDER BY seq), about.last_event_at) AS until
    FROM looks
    CROSS JOIN about
),
days AS (
    SELECT *, unnest(generate_series(date_trunc('day', since), until, INTERVAL 1 DAY)) AS day
    FROM states
    WHERE state IN ('running', 'unhealthy', 'failed', 'creating', 'deploying') AND until > since
),
stood AS (
    SELECT
        sandbox_id, rock_id, state, CAST(day AS DATE) AS day,
        greatest(0, (epoch_us(least(until, day + INTERVAL 1 DAY)) - epoch_us(greatest(since, day))) / 1e6) AS seconds,
        greatest(0, (epoch_us(least(until, vouched, day + INTERVAL 1 DAY)) - epoch_us(greatest(since, day))) / 1e6)
            AS known
    FROM days
),
summed AS (
    SELECT
        sandbox_id, any_value(rock_id) AS rock_id, day, sum(seconds) AS seconds,
        coalesce(sum(known) FILTER (state = 'running'), 0) AS up_seconds,
        coalesce(sum(known) FILTER (state IN ('unhealthy', 'failed')), 0) AS down_seconds
    FROM stood
    GROUP BY sandbox_id, day
)
SELECT
    sandbox_id, rock_id, day, up_seconds, down_seconds, seconds - up_seconds - down_seconds AS unknown_seconds,
    up_seconds / nullif(up_seconds + down_seconds, 0) AS uptime
FROM summed
WHERE seconds > 0
ORDER BY day, sandbox_id;
