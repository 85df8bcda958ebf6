-- Adds the facts of several sessions in one statement, each session all or none, with everything that belongs to them.
-- Returns the sessions that it did add to; the others were overtaken.
WITH asked AS (
    SELECT *
    FROM unnest(
        $1::text[], $2::int[], $3::bigint[], $4::timestamptz[], $5::text[], $6::text[], $7::text[],
        $8::int[], $9::text[], $10::text[], $11::int[], $12::timestamptz[], $13::text[], $14::timestamptz[],
        $15::text[], $16::text[], $17::text[], $18::bool[], $19::timestamptz[],
        $33::timestamptz[], $34::text[]
    ) AS a (
        session_id, after, append_id, at, actor, reason, traceparent,
        reached, state, account, partition, deadline, deadline_from, due_at,
        amount, currency, merchant_reference_id, settled, erase_after,
        look_at, firing
    )
),
facts AS (
    SELECT *
    FROM unnest($20::text[], $21::int[], $22::text[], $23::int[], $24::text[], $25::bool[])
        AS f (session_id, version, type, format, body, announced)
),
-- Ahead of the log is as wrong as behind it: it would leave a gap.
fitting AS (
    SELECT a.*
    FROM asked a
    WHERE a.after = coalesce((SELECT s.version FROM sessions s WHERE s.session_id = a.session_id COLLATE "C"), 0)
),
-- Who adds a session's first version here owns those that follow. In the order of the keys, so that two groups that
-- have sessions in common cannot wait for each other.
won AS (
    INSERT INTO events (session_id, version, at, type, format, body, actor, reason, traceparent, append_id)
    SELECT a.session_id, f.version, a.at, f.type, f.format, f.body::jsonb, a.actor, a.reason, a.traceparent, a.append_id
    FROM fitting a
    JOIN facts f ON f.session_id = a.session_id AND f.version = a.after + 1
    ORDER BY a.session_id COLLATE "C"
    ON CONFLICT (session_id, version) DO NOTHING
    RETURNING session_id
),
added AS (
    SELECT
        a.*,
        -- What is erased stays erased.
        EXISTS (
            SELECT FROM sessions s WHERE s.session_id = a.session_id COLLATE "C" AND s.erased_at IS NOT NULL
        ) AS erased
    FROM won
    JOIN asked a ON a.session_id = won.session_id
),
the_rest AS (
    INSERT INTO events (session_id, version, at, type, format, body, actor, reason, traceparent, append_id)
    SELECT a.session_id, f.version, a.at, f.type, f.format, f.body::jsonb, a.actor, a.reason, a.traceparent, a.append_id
    FROM added a
    JOIN facts f ON f.session_id = a.session_id AND f.version > a.after + 1
),
folds AS (
    INSERT INTO sessions AS s (
        session_id, version, state, account, partition, deadline, deadline_from, due_at,
        amount, currency, merchant_reference_id, settled, updated_at, erase_after, look_at, firing
    )
    SELECT
        session_id, reached, state, account, partition, deadline, deadline_from, due_at,
        amount, currency, merchant_reference_id, settled, at, erase_after, look_at, firing::jsonb
    FROM added
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
        erase_after = coalesce(excluded.erase_after, s.erase_after),
        look_at = excluded.look_at,
        firing = excluded.firing
),
personal_data AS (
    INSERT INTO personal (session_id, slot, format, content)
    SELECT p.session_id, p.slot, $29, p.content
    FROM unnest($26::text[], $27::int[], $28::text[]) AS p (session_id, slot, content)
    JOIN added a ON a.session_id = p.session_id AND NOT a.erased
    ON CONFLICT (session_id, slot) DO UPDATE SET format = excluded.format, content = excluded.content
),
sent_bytes AS (
    INSERT INTO bodies (session_id, body_ref, bytes)
    SELECT b.session_id, b.body_ref, b.bytes
    FROM unnest($30::text[], $31::int[], $32::bytea[]) AS b (session_id, body_ref, bytes)
    JOIN added a ON a.session_id = b.session_id AND NOT a.erased
    ON CONFLICT (session_id, body_ref) DO UPDATE SET bytes = excluded.bytes
),
to_tell AS (
    INSERT INTO outbox (session_id, version, recorded_at)
    SELECT f.session_id, f.version, a.at
    FROM added a
    JOIN facts f ON f.session_id = a.session_id AND f.announced
)
SELECT
    a.session_id,
    EXISTS (
        SELECT FROM outbox o WHERE o.session_id = a.session_id COLLATE "C" AND o.version <= a.after
    ) AS older_unpublished
FROM added a
