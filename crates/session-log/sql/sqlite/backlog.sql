-- Sessions that are still to be confirmed before a deadline to come, of the given partitions (null: of all), by account,
-- by the minute of their deadline or, from an instant on, by ten minutes, and by their worth. Not every SQLite knows
-- logarithms.
SELECT
    account,
    deadline - deadline % CASE WHEN deadline < $3 THEN 60000000 ELSE 600000000 END AS begins_at,
    currency,
    sum(CAST(amount AS REAL)) AS money,
    count(*) AS sessions
FROM sessions
WHERE NOT settled
  AND state IN ('ready', 'waiting', 'in-doubt')
  AND account <> ''
  AND deadline > $2
  AND ($1 IS NULL OR partition IN (SELECT value FROM json_each($1)))
GROUP BY account, begins_at, currency, amount
