-- What the unsettled sessions are worth.
SELECT account, state, currency, sum(amount::numeric)::text AS amount
FROM sessions
WHERE NOT settled AND amount IS NOT NULL
GROUP BY account, state, currency
