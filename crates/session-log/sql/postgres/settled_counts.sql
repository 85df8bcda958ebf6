-- How many sessions ended in each state: there may be millions.
SELECT account, state, count(*) AS sessions FROM sessions WHERE settled GROUP BY account, state
