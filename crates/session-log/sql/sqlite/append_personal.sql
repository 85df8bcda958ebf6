-- Personal data of an append, inside its transaction. What is erased stays erased.
INSERT INTO personal (session_id, slot, format, content)
SELECT $1, $2, $3, $4
WHERE NOT EXISTS (SELECT 1 FROM sessions WHERE session_id = $1 AND erased_at IS NOT NULL)
ON CONFLICT (session_id, slot) DO UPDATE SET format = excluded.format, content = excluded.content
