-- First step of erasing: the personal data of sessions whose time has passed.
DELETE FROM personal WHERE session_id IN (SELECT session_id FROM sessions WHERE erase_after <= $1 AND erased_at IS NULL ORDER BY erase_after, session_id LIMIT $2)
