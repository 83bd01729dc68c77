-- name: about
SELECT events, last_event_at FROM about;

-- name: events
SELECT seq, happened_at, kind, actor, subject FROM events ORDER BY seq DESC LIMIT 20;

-- name: cards
SELECT kind, name, state, wait_reason, attempt FROM cards ORDER BY changed_at DESC LIMIT 20;

-- name: card_transitions
SELECT happened_at, card_id, from_state, to_state, actor, note FROM card_transitions ORDER BY seq DESC LIMIT 20;

-- name: session_history
SELECT card_id, role, purpose, model, turns, tool_calls, cost, seconds, outcome
FROM session_history ORDER BY started_at DESC LIMIT 20;

-- name: model_costs
SELECT model, role, sum(turns) AS turns, sum(unpriced_turns) AS unpriced_turns, sum(cost) AS cost, sum(silences) AS silences
FROM model_costs GROUP BY model, role ORDER BY cost DESC NULLS LAST;

-- name: turns
SELECT model, count(*) AS turns, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
    sum(cost) AS cost, median(seconds) AS median_seconds
FROM turns GROUP BY model ORDER BY turns DESC;

-- name: tool_calls
SELECT tool, verdict, outcome, count(*) AS calls, median(seconds) AS median_seconds
FROM tool_calls GROUP BY ALL ORDER BY calls DESC;

-- name: policy_violations
SELECT happened_at, rule, actor, card_id, reason, fix FROM policy_violations ORDER BY happened_at DESC LIMIT 20;

-- name: test_runs
SELECT happened_at, card_id, suite, purpose, passed, tests_passed, tests_failed, seconds
FROM test_runs ORDER BY seq DESC LIMIT 20;

-- name: sandboxes
SELECT happened_at, rock_id, generation, state, commit, url, seconds FROM sandboxes ORDER BY seq DESC LIMIT 20;

-- name: pull_requests
SELECT repository, number, title, state, reviews, changes_requested, seconds
FROM pull_requests ORDER BY opened_at DESC LIMIT 20;

-- name: reviews
SELECT happened_at, repository, number, reviewer, verdict, body FROM reviews ORDER BY seq DESC LIMIT 20;

-- name: standing_reviews
SELECT repository, number, reviewer, verdict, holds, reviews, body FROM standing_reviews ORDER BY happened_at DESC LIMIT 20;

-- name: lineage
SELECT card_id, attempt, models, commit, pull_request, merge_commit, cost
FROM lineage ORDER BY started_at DESC LIMIT 20;

-- name: daily_metrics
FROM daily_metrics ORDER BY day DESC LIMIT 30;
