-- How many sessions are in each state. Two parts, each read from its own index.
SELECT account, state, count(*) AS sessions FROM sessions WHERE NOT settled GROUP BY account, state
UNION ALL
SELECT account, state, count(*) AS sessions FROM sessions WHERE settled GROUP BY account, state
