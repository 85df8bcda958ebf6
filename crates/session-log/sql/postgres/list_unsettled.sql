-- Unsettled sessions for people, the earliest deadline first.
SELECT
    session_id, version, state, account, partition, deadline, deadline_from, due_at,
    amount, currency, merchant_reference_id, settled, updated_at, erase_after, erased_at, look_at, firing::text AS firing
FROM sessions
WHERE NOT settled
  AND ($1 IS NULL OR state IN (SELECT jsonb_array_elements_text($1::jsonb)))
  AND ($2 IS NULL OR account = $2)
  AND ($3 IS NULL OR deadline < $3)
ORDER BY deadline, session_id
LIMIT $4
