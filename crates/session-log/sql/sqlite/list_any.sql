-- Sessions for people, settled ones among them, the latest change first, after a change and id.
SELECT
    session_id, version, state, account, partition, deadline, deadline_from, due_at,
    amount, currency, merchant_reference_id, settled, updated_at, erase_after, erased_at, look_at, firing
FROM sessions
WHERE updated_at <= $5
  AND (updated_at < $5 OR session_id > $6)
  AND ($1 IS NULL OR state IN (SELECT value FROM json_each($1)))
  AND ($2 IS NULL OR account = $2)
  AND ($3 IS NULL OR deadline < $3)
ORDER BY updated_at DESC, session_id
LIMIT $4
