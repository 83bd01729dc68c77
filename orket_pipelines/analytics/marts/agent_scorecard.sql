-- One row per role and model that played it: how much it did, how well, and what that cost.
CREATE TABLE agent_scorecard (
    role VARCHAR, -- who worked
    model VARCHAR, -- the model that served
    sessions BIGINT, -- sessions that are over
    ended_well DOUBLE, -- share of these with an outcome other than failure, 0 to 1
    turns BIGINT, -- model turns, running sessions included
    tool_calls BIGINT, -- tool calls, denied ones included
    denied DOUBLE, -- share of the calls that the gate refused, 0 to 1; NULL without any
    attempts BIGINT, -- attempts at issues that it worked on as the author
    merged BIGINT, -- those of them that were merged
    first_pass BIGINT, -- those that were merged without a request for changes
    changes_requested BIGINT, -- requests for changes that were made of these attempts
    bugs_reported BIGINT, -- bugs that the role reported, whichever model played it
    cost DECIMAL(18, 9), -- USD; NULL where no price is known for any turn
    cost_of_merge DECIMAL(18, 9), -- USD of its sessions as the author, by merged attempt; NULL where either is not known
    median_seconds DOUBLE, -- seconds of half of its sessions, at most; NULL before the first is over
);

INSERT INTO agent_scorecard BY NAME
WITH worked AS (
    SELECT
        role, model, count(*) FILTER (ended_at IS NOT NULL) AS sessions,
        avg((outcome <> 'failure')::INTEGER) FILTER (ended_at IS NOT NULL) AS ended_well, sum(turns) AS turns,
        sum(tool_calls) AS tool_calls, sum(denied) / nullif(sum(tool_calls), 0) AS denied, sum(cost) AS cost,
        median(seconds) AS median_seconds
    FROM session_history
    GROUP BY role, model
),
wrote AS (
    SELECT role, model, card_id, attempt, sum(cost) AS cost
    FROM session_history
    WHERE purpose NOT IN ('review', 'guidance', 'stuck')
    GROUP BY role, model, card_id, attempt
),
requested AS (
    SELECT card_id, attempt, bool_or(state = 'merged') AS is_merged, sum(changes_requested) AS changes_requested
    FROM pull_requests
    GROUP BY card_id, attempt
),
authored AS (
    SELECT
        role, model, count(*) AS attempts, count(*) FILTER (is_merged) AS merged,
        count(*) FILTER (is_merged AND changes_requested = 0) AS first_pass,
        coalesce(sum(changes_requested), 0) AS changes_requested, sum(cost) AS cost
    FROM wrote
    LEFT JOIN requested USING (card_id, attempt)
    GROUP BY role, model
),
reported AS (
    SELECT found_by AS role, count(*) AS bugs_reported
    FROM bugs
    WHERE source = 'agent'
    GROUP BY found_by
)
SELECT
    role, model, worked.sessions, worked.ended_well, worked.turns, worked.tool_calls, worked.denied,
    coalesce(authored.attempts, 0) AS attempts, coalesce(authored.merged, 0) AS merged,
    coalesce(authored.first_pass, 0) AS first_pass, coalesce(authored.changes_requested, 0) AS changes_requested,
    coalesce(reported.bugs_reported, 0) AS bugs_reported, worked.cost,
    authored.cost / nullif(authored.merged, 0) AS cost_of_merge, worked.median_seconds
FROM worked
LEFT JOIN authored USING (role, model)
LEFT JOIN reported USING (role)
ORDER BY role, model;
