-- Sessions with this order number of the shop's, the latest change first.
SELECT
    session_id, version, state, account, partition, deadline, deadline_from, due_at,
    amount, currency, merchant_reference_id, settled, updated_at, erase_after, erased_at, look_at, firing
FROM sessions
WHERE merchant_reference_id = $1
ORDER BY updated_at DESC, session_id
LIMIT $2
