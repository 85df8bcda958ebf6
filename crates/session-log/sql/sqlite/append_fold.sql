-- The fold of a session after an append, inside its transaction.
INSERT INTO sessions (
    session_id, version, state, account, partition, deadline, deadline_from, due_at,
    amount, currency, merchant_reference_id, settled, updated_at, erase_after, look_at, firing
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
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
    erase_after = coalesce(excluded.erase_after, erase_after),
    look_at = excluded.look_at,
    firing = excluded.firing
