-- Unsettled sessions that are due: of the given partitions (null: of all), and whatever is overdue. At most so many of
-- each account, the earliest deadlines first. The accounts are stepped through in the index of the queue itself.
WITH RECURSIVE accounts AS (
    (SELECT account FROM sessions WHERE NOT settled ORDER BY account LIMIT 1)
    UNION ALL
    SELECT (SELECT s.account FROM sessions s WHERE NOT s.settled AND s.account > a.account ORDER BY s.account LIMIT 1)
    FROM accounts a
    WHERE a.account IS NOT NULL
)
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
    ORDER BY s.deadline, s.session_id
    LIMIT $4
) AS d
WHERE a.account IS NOT NULL
ORDER BY d.deadline, d.session_id
