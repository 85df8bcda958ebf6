-- First step of keeping a buyer's details, unless they were kept or given up before; the second notes that they were, so
-- that after a crash this one is simply repeated.
INSERT INTO permission_details (session_id, format, content, erase_after)
SELECT $1, $2, $3, $4
WHERE EXISTS (SELECT 1 FROM sessions WHERE session_id = $1 AND details_at IS NULL)
ON CONFLICT (session_id) DO UPDATE SET
    format = excluded.format,
    content = excluded.content,
    erase_after = excluded.erase_after
