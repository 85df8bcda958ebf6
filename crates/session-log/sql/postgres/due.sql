-- Unsettled sessions that are due: of the given partitions (null: of all), and whatever is overdue. At most so many of
-- each account, the earliest deadlines first, but those that can still be saved before all others. The accounts are stepped through in the index of the queue itself.
WITH RECURSIVE accounts AS (
    (SELECT account FROM sessions WHERE NOT settled ORDER BY account LIMIT 1)
    UNION ALL
    SELECT (SELECT s.account FROM sessions s WHERE NOT s.settled AND s.account > a.account ORDER BY s.account LIMIT 1)
    FROM accounts a
    WHERE a.account IS NOT NULL
),
urgent AS (
    SELECT d.session_id, a.account, d.due_at, d.deadline
    FROM accounts a
    CROSS JOIN LATERAL (
        SELECT s.session_id, s.due_at, s.deadline
        FROM sessions s
        WHERE NOT s.settled
          AND s.account = a.account
          AND s.due_at <= $2
          AND (
              $1 IS NULL
              OR s.partition IN (SELECT p::int FROM jsonb_array_elements_text($1::jsonb) AS p)
              OR s.due_at <= $3
          )
        ORDER BY s.deadline <= $2, s.deadline, s.session_id
        LIMIT $4
    ) AS d
    WHERE a.account IS NOT NULL
),
-- And those beyond that want something which needs no call. What was to be done before a deadline that has passed is
-- past doing.
to_look_at AS (
    SELECT s.session_id, s.account, s.look_at, s.deadline
    FROM sessions s
    WHERE NOT s.settled
      AND s.look_at <= $2
      AND (s.deadline > $2 OR s.look_at >= s.deadline)
      AND (
          $1 IS NULL
          OR s.partition IN (SELECT p::int FROM jsonb_array_elements_text($1::jsonb) AS p)
          OR s.look_at <= $3
      )
      AND s.session_id NOT IN (SELECT u.session_id FROM urgent u)
    ORDER BY s.look_at, s.session_id
    LIMIT $4
)
SELECT session_id, account, due_at, deadline
FROM (
    SELECT 1 AS part, deadline AS place, session_id, account, due_at, deadline FROM urgent
    UNION ALL
    SELECT 2 AS part, look_at AS place, session_id, account, look_at AS due_at, deadline FROM to_look_at
) AS both_parts
ORDER BY part, part = 1 AND deadline <= $2, place, session_id
