-- Keeps a buyer's details, unless they were kept or given up before.
WITH first AS (
    UPDATE sessions SET details_at = $2 WHERE session_id = $1 AND details_at IS NULL RETURNING session_id
)
INSERT INTO permission_details (session_id, format, content, erase_after)
SELECT session_id, $3, $4, $5 FROM first
