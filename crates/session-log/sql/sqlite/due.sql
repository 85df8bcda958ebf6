-- Unsettled sessions that are due: of the given partitions (null: of all), and whatever is overdue. At most so many of
-- each account, the earliest deadlines first.
SELECT session_id, account, due_at, deadline
FROM (
    SELECT session_id, account, due_at, deadline,
           row_number() OVER (PARTITION BY account ORDER BY deadline, session_id) AS place
    FROM sessions
    WHERE NOT settled
      AND due_at <= $2
      AND ($1 IS NULL OR partition IN (SELECT value FROM json_each($1)) OR due_at <= $3)
)
WHERE place <= $4
ORDER BY deadline, session_id
