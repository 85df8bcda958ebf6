-- Sessions with an alert that fires, settled ones among them, the earliest deadline first.
SELECT
    session_id, version, state, account, partition, deadline, deadline_from, due_at,
    amount, currency, merchant_reference_id, settled, updated_at, erase_after, erased_at, look_at, firing
FROM sessions
WHERE firing <> '[]'
ORDER BY deadline, session_id
LIMIT $1
