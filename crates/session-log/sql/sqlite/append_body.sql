-- The bytes that an attempt sends, inside the transaction of its append. What is erased stays erased.
INSERT INTO bodies (session_id, body_ref, bytes)
SELECT $1, $2, $3
WHERE NOT EXISTS (SELECT 1 FROM sessions WHERE session_id = $1 AND erased_at IS NOT NULL)
ON CONFLICT (session_id, body_ref) DO UPDATE SET bytes = excluded.bytes
