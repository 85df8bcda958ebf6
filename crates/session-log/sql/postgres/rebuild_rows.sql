-- Sessions' folds made anew, but for those to which facts were added meanwhile: they are new already.
INSERT INTO sessions (
    session_id, version, state, account, partition, deadline, deadline_from, due_at,
    amount, currency, merchant_reference_id, settled, updated_at, look_at, firing
)
SELECT
    r.session_id, r.version, r.state, r.account, 0,
    timestamptz 'epoch' + r.deadline * interval '1 microsecond',
    r.deadline_from,
    timestamptz 'epoch' + r.due_at * interval '1 microsecond',
    r.amount, r.currency, r.merchant_reference_id, r.settled,
    timestamptz 'epoch' + r.updated_at * interval '1 microsecond',
    timestamptz 'epoch' + r.look_at * interval '1 microsecond',
    r.firing::jsonb
FROM jsonb_to_recordset($1::jsonb) AS r (
    session_id text, version int, state text, account text, deadline bigint, deadline_from text, due_at bigint,
    amount text, currency text, merchant_reference_id text, settled bool, updated_at bigint, look_at bigint, firing text
)
WHERE NOT EXISTS (
    SELECT FROM events e WHERE e.session_id = r.session_id COLLATE "C" AND e.version > r.version
)
-- In the order of the keys, as appends are: none waits for one that waits for it.
ORDER BY r.session_id COLLATE "C"
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
-- Somebody may have appended while this waited for the row.
WHERE NOT EXISTS (SELECT FROM events e WHERE e.session_id = excluded.session_id AND e.version > excluded.version)
