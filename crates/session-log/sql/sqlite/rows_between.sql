-- The folds of a portion of sessions.
SELECT
    session_id, version, state, account, partition, deadline, deadline_from, due_at,
    amount, currency, merchant_reference_id, settled, updated_at, erase_after, erased_at, look_at, firing
FROM sessions
WHERE session_id > $1 AND session_id <= $2
