-- Sessions' folds made anew, but for those to which facts were added meanwhile: they are new already.
INSERT INTO sessions (
    session_id, version, state, account, partition, deadline, deadline_from, due_at,
    amount, currency, merchant_reference_id, settled, updated_at, look_at, firing
)
SELECT
    r.value ->> '$.session_id', r.value ->> '$.version', r.value ->> '$.state', r.value ->> '$.account', 0,
    r.value ->> '$.deadline', r.value ->> '$.deadline_from', r.value ->> '$.due_at',
    r.value ->> '$.amount', r.value ->> '$.currency', r.value ->> '$.merchant_reference_id',
    r.value ->> '$.settled', r.value ->> '$.updated_at', r.value ->> '$.look_at', r.value ->> '$.firing'
FROM json_each($1) AS r
WHERE NOT EXISTS (
    SELECT 1 FROM events e
    WHERE e.session_id = r.value ->> '$.session_id' AND e.version > r.value ->> '$.version'
)
ON CONFLICT (session_id) DO UPDATE SET
    version = excluded.version,
    state = excluded.state,
    account = excluded.account,
    deadline = excluded.deadline,
    deadline_from = excluded.deadline_from,
    due_at = excluded.due_at,
    amount = excluded.amount,
    currency = excluded.currency,
    merchant_reference_id = excluded.merchant_reference_id,
    settled = excluded.settled,
    updated_at = excluded.updated_at,
    look_at = excluded.look_at,
    firing = excluded.firing
