-- Removes buyers' details whose time has passed.
DELETE FROM permission_details
WHERE session_id IN (SELECT session_id FROM permission_details WHERE erase_after <= $1 ORDER BY erase_after LIMIT $2)
