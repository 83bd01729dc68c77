-- One row per card, role and model that answered: what it was asked, and what that cost.
CREATE TABLE model_costs (
    card_id VARCHAR, -- the card worked on
    rock_id VARCHAR, -- its rock; NULL for a card outside any
    role VARCHAR, -- who worked
    model VARCHAR, -- the model that answered, be it as a stand-in
    sessions BIGINT, -- sessions in which it answered
    turns BIGINT, -- its answers
    unpriced_turns BIGINT, -- answers whose price is not known, which are not in the cost
    input_tokens BIGINT, -- tokens read
    output_tokens BIGINT, -- tokens written
    cost DECIMAL(18, 9), -- USD, of the answers whose price is known; NULL where none is
    seconds DOUBLE, -- seconds that were waited for its answers
    silences BIGINT, -- how often it was asked, gave no answer, and another stood in for it
);

INSERT INTO model_costs BY NAME
WITH answered AS (
    SELECT
        card_id, role, model, count(DISTINCT session_id) AS sessions, count(*) AS turns,
        count(*) FILTER (cost IS NULL) AS unpriced_turns, sum(input_tokens) AS input_tokens,
        sum(output_tokens) AS output_tokens, sum(cost) AS cost, sum(seconds) AS seconds
    FROM turns
    GROUP BY card_id, role, model
),
silent AS (
    SELECT
        coalesce(payload ->> 'card', subject) AS card_id, payload ->> 'role' AS role, payload ->> 'model' AS model,
        count(DISTINCT coalesce((payload ->> 'session_id') || ':' || (payload ->> 'turn'), event_id)) AS silences
    FROM warehouse.events
    WHERE kind = 'model.silent'
    GROUP BY ALL
)
SELECT
    card_id, cards.rock_id, role, model, coalesce(sessions, 0) AS sessions, coalesce(turns, 0) AS turns,
    coalesce(unpriced_turns, 0) AS unpriced_turns, coalesce(input_tokens, 0) AS input_tokens,
    coalesce(output_tokens, 0) AS output_tokens, cost, coalesce(seconds, 0) AS seconds,
    coalesce(silences, 0) AS silences
FROM answered
FULL JOIN silent USING (card_id, role, model)
LEFT JOIN cards USING (card_id)
ORDER BY card_id, role, model;
