-- Sessions that are still to be confirmed before a deadline to come, of the given partitions (null: of all), by account,
-- by the minute of their deadline or, from an instant on, by ten minutes, and by about their worth: a quarter of an octave.
SELECT
    account,
    CASE
        WHEN deadline < $3 THEN date_bin('1 minute', deadline, 'epoch')
        ELSE date_bin('10 minutes', deadline, 'epoch')
    END AS begins_at,
    currency,
    sum(amount::float8) AS money,
    count(*) AS sessions
FROM sessions
WHERE NOT settled
  AND state IN ('ready', 'waiting', 'in-doubt')
  AND account <> ''
  AND deadline > $2
  AND ($1 IS NULL OR partition IN (SELECT p::int FROM jsonb_array_elements_text($1::jsonb) AS p))
GROUP BY account, begins_at, currency, floor(4 * ln(greatest(amount::float8, 1e-9)) / ln(2::float8))
