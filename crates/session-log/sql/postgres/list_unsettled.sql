-- Unsettled sessions for people, the earliest deadline first, after a deadline and id. Each account's are walked along their
-- deadlines, and no further than one answer is long.
WITH RECURSIVE accounts AS (
    (SELECT account FROM sessions WHERE NOT settled ORDER BY account LIMIT 1)
    UNION ALL
    SELECT (SELECT s.account FROM sessions s WHERE NOT s.settled AND s.account > a.account ORDER BY s.account LIMIT 1)
    FROM accounts a
    WHERE a.account IS NOT NULL
)
SELECT
    s.session_id, s.version, s.state, s.account, s.partition, s.deadline, s.deadline_from, s.due_at,
    s.amount, s.currency, s.merchant_reference_id, s.settled, s.updated_at, s.erase_after, s.erased_at, s.look_at,
    s.firing::text AS firing
FROM accounts a
CROSS JOIN LATERAL (
    SELECT *
    FROM sessions o
    WHERE NOT o.settled
      AND o.account = a.account
      AND (o.deadline, o.session_id) > ($5, $6)
      AND ($1 IS NULL OR o.state IN (SELECT jsonb_array_elements_text($1::jsonb)))
      AND ($3 IS NULL OR o.deadline < $3)
    ORDER BY o.deadline, o.session_id
    LIMIT $4
) AS s
WHERE $2 IS NULL OR a.account = $2
ORDER BY s.deadline, s.session_id
LIMIT $4
