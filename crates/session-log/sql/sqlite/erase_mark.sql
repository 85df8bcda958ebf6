-- Last step of erasing: done, so that after a crash the steps before are simply repeated.
UPDATE sessions SET erased_at = $1 WHERE session_id IN (SELECT session_id FROM sessions WHERE erase_after <= $1 AND erased_at IS NULL ORDER BY erase_after, session_id LIMIT $2)
