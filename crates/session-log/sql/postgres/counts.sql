-- How many sessions without an outcome are in each state.
SELECT account, state, count(*) AS sessions FROM sessions WHERE NOT settled GROUP BY account, state
