-- Unsettled sessions that are due: of the given partitions (null: of all), and whatever is overdue. At most so many of
-- each account, the earliest deadlines first, but those that can still be saved before all others.
WITH urgent AS (
    SELECT session_id, account, due_at, deadline
    FROM (
        SELECT session_id, account, due_at, deadline,
               row_number() OVER (PARTITION BY account ORDER BY deadline <= $2, deadline, session_id) AS place
        FROM sessions
        WHERE NOT settled
          AND due_at <= $2
          AND ($1 IS NULL OR partition IN (SELECT value FROM json_each($1)) OR due_at <= $3)
    )
    WHERE place <= $4
),
-- And those beyond that want something which needs no call. What was to be done before a deadline that has passed is
-- past doing.
to_look_at AS (
    SELECT session_id, account, look_at, deadline
    FROM sessions
    WHERE NOT settled
      AND look_at <= $2
      AND (deadline > $2 OR look_at >= deadline)
      AND ($1 IS NULL OR partition IN (SELECT value FROM json_each($1)) OR look_at <= $3)
      AND session_id NOT IN (SELECT session_id FROM urgent)
    ORDER BY look_at, session_id
    LIMIT $4
)
SELECT session_id, account, due_at, deadline
FROM (
    SELECT 1 AS part, deadline AS place, session_id, account, due_at, deadline FROM urgent
    UNION ALL
    SELECT 2 AS part, look_at AS place, session_id, account, look_at AS due_at, deadline FROM to_look_at
)
ORDER BY part, part = 1 AND deadline <= $2, place, session_id
