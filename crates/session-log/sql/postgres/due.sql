-- Unsettled sessions that are due: of the given partitions (null: of all), and whatever is overdue. At most so many of
-- each account, the earliest deadlines first: those that can still be saved, then those of them that a plan gives up,
-- then those whose deadline has passed. The accounts are stepped through in the index of the queue itself.
--
-- Where no more are due than a few times what is wanted, they are found along the due times and put in order. Otherwise
-- each of the three parts walks along the deadlines, where it soon comes to one that is due, and none is begun where those
-- before it are enough. Which of the two it is, is counted here, since the planner guesses wrong: it multiplies how few are
-- unsettled with how few are due, though nothing else can be due.
WITH RECURSIVE accounts AS (
    (SELECT account FROM sessions WHERE NOT settled ORDER BY account LIMIT 1)
    UNION ALL
    SELECT (SELECT s.account FROM sessions s WHERE NOT s.settled AND s.account > a.account ORDER BY s.account LIMIT 1)
    FROM accounts a
    WHERE a.account IS NOT NULL
),
-- Of one currency of an account: below which worth sessions are given up whose deadline is before each of these instants,
-- which ascend.
given_up AS MATERIALIZED (
    SELECT
        g.account,
        g.currency,
        ARRAY(SELECT to_timestamp(u.micros / 1e6) FROM unnest(g.until) AS u (micros) ORDER BY u.micros) AS until,
        g.below
    FROM jsonb_to_recordset($5::jsonb) AS g (account text, currency text, until bigint[], below float8[])
),
queue AS NOT MATERIALIZED (
    SELECT
        s.session_id,
        s.account,
        s.due_at,
        s.deadline,
        (
            $1 IS NULL
            OR s.partition IN (SELECT p::int FROM jsonb_array_elements_text($1::jsonb) AS p)
            OR s.due_at <= $3
        ) AS is_ours,
        (
            SELECT coalesce(s.amount::float8, 0) < g.below[1 + width_bucket(s.deadline, g.until)]
            FROM given_up g
            WHERE g.account = s.account AND g.currency IS NOT DISTINCT FROM s.currency
        ) IS TRUE AS is_given_up
    FROM sessions s
    WHERE NOT s.settled
),
urgent AS (
    SELECT u.rank, u.session_id, a.account, u.due_at, u.deadline
    FROM accounts a
    CROSS JOIN LATERAL (
        WITH first_due AS MATERIALIZED (
            SELECT q.session_id, q.due_at, q.deadline, q.is_given_up
            FROM queue q
            WHERE q.account = a.account AND q.due_at <= $2 AND q.is_ours
            ORDER BY q.due_at
            LIMIT $4 * 8 + 1
        ),
        are_all AS (SELECT count(*) <= $4 * 8 AS so FROM first_due),
        -- For each session of the queue it is to be asked whether it is due: a condition on the due time itself would
        -- be taken for one that leaves next to nothing.
        due AS NOT MATERIALIZED (
            SELECT q.session_id, q.due_at, q.deadline, q.is_given_up
            FROM queue q
            WHERE q.account = a.account AND q.is_ours AND CASE WHEN q.due_at <= $2 THEN TRUE ELSE FALSE END
        )
        (
            SELECT
                CASE WHEN f.deadline <= $2 THEN 3 WHEN f.is_given_up THEN 2 ELSE 1 END AS rank,
                f.session_id,
                f.due_at,
                f.deadline
            FROM first_due f
            WHERE (SELECT so FROM are_all)
            ORDER BY rank, f.deadline, f.session_id
            LIMIT $4
        )
        UNION ALL
        (
            (
                SELECT 1 AS rank, d.session_id, d.due_at, d.deadline
                FROM due d
                WHERE NOT (SELECT so FROM are_all) AND d.deadline > $2 AND NOT d.is_given_up
                ORDER BY d.deadline, d.session_id
                LIMIT $4
            )
            UNION ALL
            (
                SELECT 2 AS rank, d.session_id, d.due_at, d.deadline
                FROM due d
                WHERE NOT (SELECT so FROM are_all)
                  AND d.deadline > $2
                  AND d.deadline < (
                      SELECT max(g.until[cardinality(g.until)]) FROM given_up g WHERE g.account = a.account
                  )
                  AND d.is_given_up
                ORDER BY d.deadline, d.session_id
                LIMIT $4
            )
            UNION ALL
            (
                SELECT 3 AS rank, d.session_id, d.due_at, d.deadline
                FROM due d
                WHERE NOT (SELECT so FROM are_all) AND d.deadline <= $2
                ORDER BY d.deadline, d.session_id
                LIMIT $4
            )
            LIMIT $4
        )
    ) AS u
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
    SELECT rank, deadline AS place, session_id, account, due_at, deadline FROM urgent
    UNION ALL
    SELECT 4 AS rank, look_at AS place, session_id, account, look_at AS due_at, deadline FROM to_look_at
) AS both_parts
ORDER BY rank, place, session_id
