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

-- name: test_results
SELECT suite, name, count(*) AS runs, count(*) FILTER (outcome IN ('failed', 'error')) AS failures, median(seconds) AS median_seconds
FROM test_results GROUP BY suite, name ORDER BY failures DESC, runs DESC LIMIT 20;

-- name: flaky_tests
SELECT rock_id, suite, name, runs, failures, flaky_commits, last_seen_at FROM flaky_tests ORDER BY flaky_commits DESC LIMIT 20;

-- name: sandbox_uptime
SELECT rock_id, day, round(100 * uptime, 2) AS percent_up, up_seconds, down_seconds, unknown_seconds
FROM sandbox_uptime ORDER BY day DESC, rock_id LIMIT 30;

-- name: review_cycles
SELECT repository, number, cycle, outcome, waited_seconds, seconds FROM review_cycles ORDER BY first_review_at DESC LIMIT 20;

-- name: issue_cycle_times
SELECT name, state, sent_back, working_seconds, testing_seconds, review_seconds, waiting_seconds, cycle_seconds
FROM issue_cycle_times ORDER BY started_at DESC LIMIT 20;

-- name: bugs
SELECT found_at, found_in_rock, severity, source, state, name FROM bugs ORDER BY found_at DESC LIMIT 20;

-- name: bug_phase_summary
SELECT rock_id, state, elapsed_days, planned_days, found, fixed, rate, left_to, cost FROM bug_phase_summary ORDER BY started_at DESC;

-- name: bug_rates
SELECT rock_id, day, found, fixed, open_at_end, rate FROM bug_rates ORDER BY rock_id, day;

-- name: agent_scorecard
SELECT role, model, sessions, ended_well, attempts, merged, first_pass, cost, cost_of_merge
FROM agent_scorecard ORDER BY sessions DESC;
