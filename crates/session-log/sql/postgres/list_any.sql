-- Sessions for people, settled ones among them, the latest change first, after a change and id. Settled ones are walked along
-- their changes, of each account and state no further than one answer is long.
WITH RECURSIVE accounts AS (
    (SELECT account FROM sessions WHERE settled ORDER BY account LIMIT 1)
    UNION ALL
    SELECT (SELECT s.account FROM sessions s WHERE s.settled AND s.account > a.account ORDER BY s.account LIMIT 1)
    FROM accounts a
    WHERE a.account IS NOT NULL
),
outcomes (state) AS (VALUES ('confirmed'), ('declined'), ('cancelled'), ('expired'), ('unresolved'))
SELECT
    s.session_id, s.version, s.state, s.account, s.partition, s.deadline, s.deadline_from, s.due_at,
    s.amount, s.currency, s.merchant_reference_id, s.settled, s.updated_at, s.erase_after, s.erased_at, s.look_at,
    s.firing::text AS firing
FROM (
    SELECT settled.*
    FROM accounts a
    CROSS JOIN outcomes v
    CROSS JOIN LATERAL (
        SELECT *
        FROM sessions o
        WHERE o.settled
          AND o.account = a.account
          AND o.state = v.state
          AND o.updated_at <= $5
          AND (o.updated_at < $5 OR o.session_id > $6)
          AND ($3 IS NULL OR o.deadline < $3)
        ORDER BY o.updated_at DESC, o.session_id
        LIMIT $4
    ) AS settled
    WHERE ($2 IS NULL OR a.account = $2)
      AND ($1 IS NULL OR v.state IN (SELECT jsonb_array_elements_text($1::jsonb)))
    UNION ALL
    (
        SELECT *
        FROM sessions o
        WHERE NOT o.settled
          AND o.updated_at <= $5
          AND (o.updated_at < $5 OR o.session_id > $6)
          AND ($1 IS NULL OR o.state IN (SELECT jsonb_array_elements_text($1::jsonb)))
          AND ($2 IS NULL OR o.account = $2)
          AND ($3 IS NULL OR o.deadline < $3)
        ORDER BY o.updated_at DESC, o.session_id
        LIMIT $4
    )
) AS s
ORDER BY s.updated_at DESC, s.session_id
LIMIT $4
