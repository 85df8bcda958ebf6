-- How many sessions were settled in each state, by how many hours ago that is.
WITH RECURSIVE accounts (account) AS (
    SELECT min(account) FROM sessions WHERE settled
    UNION ALL
    SELECT (SELECT min(s.account) FROM sessions s WHERE s.settled AND s.account > a.account)
    FROM accounts a
    WHERE a.account IS NOT NULL
),
outcomes (state) AS (VALUES ('confirmed'), ('declined'), ('cancelled'), ('expired'), ('unresolved'))
SELECT s.state, ($1 - s.updated_at) / 3600000000 AS hours_ago, count(*) AS sessions
FROM accounts a
CROSS JOIN outcomes v
CROSS JOIN sessions s ON s.account = a.account AND s.state = v.state AND s.updated_at > $2 AND s.updated_at <= $1
WHERE s.settled
GROUP BY s.state, hours_ago
