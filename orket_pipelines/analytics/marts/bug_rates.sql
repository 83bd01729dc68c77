-- One row per day of a bug-fix phase, quiet days too: what was found and fixed, and the rate so far.
CREATE TABLE bug_rates (
    rock_id VARCHAR, -- the rock
    day BIGINT, -- the day of the phase, of 86,400 s, from 1
    found BIGINT, -- bugs found on it
    fixed BIGINT, -- bugs of the phase fixed on it
    found_so_far BIGINT, -- bugs found up to its end
    open_at_end BIGINT, -- those of them that were not fixed at its end
    rate DOUBLE, -- bugs found a day, from the first day to this one
);

INSERT INTO bug_rates BY NAME
WITH days AS (
    SELECT
        rock_id, epoch_us(started_at) AS began, unnest(generate_series(0, last_day)) AS day, last_day
    FROM (SELECT rock_id, started_at, greatest(0, ceil(elapsed_days)::BIGINT - 1) AS last_day FROM bug_phase_summary)
),
-- A stored time is of a clock that may be set: what seems to lie outside of the phase is put at its ends.
placed AS (
    SELECT
        bugs.found_in_rock AS rock_id,
        least(greatest(0, (epoch_us(bugs.found_at) - phase.began) // 86400000000), phase.last_day) AS found_on,
        CASE
            WHEN bugs.state = 'done' AND fixed_in_phase
            THEN least(greatest(0, (epoch_us(bugs.ended_at) - phase.began) // 86400000000), phase.last_day)
        END AS fixed_on
    FROM (
        SELECT *, NOT EXISTS (
            FROM warehouse.events AS closed
            WHERE closed.kind = 'bug_phase.ended' AND closed.subject = bugs.found_in_rock AND closed.seq < (
                SELECT max(moved.seq) FROM card_transitions AS moved
                WHERE moved.card_id = bugs.card_id AND moved.to_state = 'done'
            )
        ) AS fixed_in_phase
        FROM bugs
        WHERE in_phase
    ) AS bugs
    JOIN (SELECT DISTINCT rock_id, began, last_day FROM days) AS phase ON phase.rock_id = bugs.found_in_rock
),
counted AS (
    SELECT
        days.rock_id, days.day, count(placed.found_on) FILTER (placed.found_on = days.day) AS found,
        count(placed.fixed_on) FILTER (placed.fixed_on = days.day) AS fixed,
        count(placed.found_on) FILTER (placed.found_on <= days.day) AS found_so_far,
        count(placed.fixed_on) FILTER (placed.fixed_on <= days.day) AS fixed_so_far
    FROM days
    LEFT JOIN placed USING (rock_id)
    GROUP BY days.rock_id, days.day
)
SELECT
    rock_id, day + 1 AS day, found, fixed, found_so_far, found_so_far - fixed_so_far AS open_at_end,
    found_so_far / (day + 1) AS rate
FROM counted
ORDER BY rock_id, day;
