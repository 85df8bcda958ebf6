-- How many sessions without an outcome are in each state. Those with one only ever grow in number: whoever counts them
-- counts their outcomes as they come.
SELECT account, state, count(*) AS sessions FROM sessions WHERE NOT settled GROUP BY account, state
