-- Unsettled sessions for people, the earliest deadline first, after a deadline and id.
SELECT
    session_id, version, state, account, partition, deadline, deadline_from, due_at,
    amount, currency, merchant_reference_id, settled, updated_at, erase_after, erased_at, look_at, firing
FROM sessions
WHERE NOT settled
  AND (deadline, session_id) > ($5, $6)
  AND ($1 IS NULL OR state IN (SELECT value FROM json_each($1)))
  AND ($2 IS NULL OR account = $2)
  AND ($3 IS NULL OR deadline < $3)
ORDER BY deadline, session_id
LIMIT $4
