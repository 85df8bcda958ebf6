-- Confirmed sessions of an account whose buyer's details were neither kept nor given up, of the given partitions (null: of
-- all), the oldest first.
SELECT session_id
FROM sessions
WHERE state = 'confirmed'
  AND details_at IS NULL
  AND account = $1
  AND updated_at > $3
  AND ($2 IS NULL OR partition IN (SELECT value FROM json_each($2)))
ORDER BY updated_at, session_id
LIMIT $4
