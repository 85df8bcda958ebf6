-- Unsettled sessions that are due: of the given partitions (null: of all), and whatever is overdue. At most so many of
-- each account, the earliest deadlines first: those that can still be saved, then those of them that a plan gives up,
-- then those whose deadline has passed. The accounts are stepped through in the index of the queue itself; each of the
-- three parts walks along the deadlines, and none is begun where those before it are enough.
WITH RECURSIVE accounts (account) AS (
    SELECT min(account) FROM sessions WHERE NOT settled
    UNION ALL
    SELECT (SELECT min(s.account) FROM sessions s WHERE NOT s.settled AND s.account > a.account)
    FROM accounts a
    WHERE a.account IS NOT NULL
),
-- Of one currency of an account: below which worth sessions are given up whose deadline is before which instant.
given_up AS MATERIALIZED (
    SELECT
        g.value ->> '$.account' AS account,
        g.value ->> '$.currency' AS currency,
        u.value AS until,
        g.value ->> ('$.below[' || u.key || ']') AS below
    FROM json_each($5) AS g, json_each(g.value, '$.until') AS u
),
due AS NOT MATERIALIZED (
    SELECT
        s.session_id,
        s.account,
        s.due_at,
        s.deadline,
        EXISTS (
            SELECT 1
            FROM given_up g
            WHERE g.account = s.account
              AND g.currency IS s.currency
              AND g.until > s.deadline
              AND g.below > coalesce(CAST(s.amount AS REAL), 0)
        ) AS is_given_up
    FROM sessions s
    WHERE NOT s.settled
      AND s.due_at <= $2
      AND ($1 IS NULL OR s.partition IN (SELECT value FROM json_each($1)) OR s.due_at <= $3)
),
urgent AS MATERIALIZED (
    SELECT
        u.value ->> 0 AS rank,
        u.value ->> 1 AS session_id,
        a.account,
        u.value ->> 2 AS due_at,
        u.value ->> 3 AS deadline
    FROM accounts a,
        json_each((
            SELECT json_group_array(json_array(rank, session_id, due_at, deadline))
            FROM (
                SELECT *
                FROM (
                    SELECT 1 AS rank, d.session_id, d.due_at, d.deadline
                    FROM due d
                    WHERE d.account = a.account AND d.deadline > $2 AND NOT d.is_given_up
                    ORDER BY d.deadline, d.session_id
                    LIMIT $4
                )
                UNION ALL
                SELECT *
                FROM (
                    SELECT 2 AS rank, d.session_id, d.due_at, d.deadline
                    FROM due d
                    WHERE d.account = a.account
                      AND d.deadline > $2
                      AND d.deadline < (SELECT max(g.until) FROM given_up g WHERE g.account = a.account)
                      AND d.is_given_up
                    ORDER BY d.deadline, d.session_id
                    LIMIT $4
                )
                UNION ALL
                SELECT *
                FROM (
                    SELECT 3 AS rank, d.session_id, d.due_at, d.deadline
                    FROM due d
                    WHERE d.account = a.account AND d.deadline <= $2
                    ORDER BY d.deadline, d.session_id
                    LIMIT $4
                )
                LIMIT $4
            )
        )) AS u
    WHERE a.account IS NOT NULL
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
    SELECT rank, deadline AS place, session_id, account, due_at, deadline FROM urgent
    UNION ALL
    SELECT 4 AS rank, look_at AS place, session_id, account, look_at AS due_at, deadline FROM to_look_at
)
ORDER BY rank, place, session_id
