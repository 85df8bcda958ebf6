-- How many sessions were settled in each state, by how many hours ago that is.
WITH RECURSIVE accounts AS (
    (SELECT account FROM sessions WHERE settled ORDER BY account LIMIT 1)
    UNION ALL
    SELECT (SELECT s.account FROM sessions s WHERE s.settled AND s.account > a.account ORDER BY s.account LIMIT 1)
    FROM accounts a
    WHERE a.account IS NOT NULL
),
outcomes (state) AS (VALUES ('confirmed'), ('declined'), ('cancelled'), ('expired'), ('unresolved'))
SELECT v.state, s.hours_ago, sum(s.sessions)::bigint AS sessions
FROM accounts a
CROSS JOIN outcomes v
CROSS JOIN LATERAL (
    SELECT floor(extract(epoch FROM $1::timestamptz - o.updated_at) / 3600)::bigint AS hours_ago, count(*) AS sessions
    FROM sessions o
    WHERE o.settled AND o.account = a.account AND o.state = v.state AND o.updated_at > $2 AND o.updated_at <= $1
    GROUP BY hours_ago
) AS s
WHERE a.account IS NOT NULL
GROUP BY v.state, s.hours_ago
