-- Removes the personal data and the bytes of sessions whose time has passed.
WITH over AS (
    SELECT session_id
    FROM sessions
    WHERE erase_after <= $1 AND erased_at IS NULL
    ORDER BY erase_after
    LIMIT $2
    FOR UPDATE SKIP LOCKED
),
personal_data AS (
    DELETE FROM personal p USING over WHERE p.session_id = over.session_id
),
sent_bytes AS (
    DELETE FROM bodies b USING over WHERE b.session_id = over.session_id
)
UPDATE sessions s SET erased_at = $1 FROM over WHERE s.session_id = over.session_id
