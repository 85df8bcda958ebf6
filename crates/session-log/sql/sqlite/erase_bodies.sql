-- Second step of erasing: the bytes that their attempts sent.
DELETE FROM bodies WHERE session_id IN (SELECT session_id FROM sessions WHERE erase_after <= $1 AND erased_at IS NULL ORDER BY erase_after, session_id LIMIT $2)
