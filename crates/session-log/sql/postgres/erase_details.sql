-- Removes buyers' details whose time has passed.
WITH over AS (
    SELECT session_id FROM permission_details WHERE erase_after <= $1 ORDER BY erase_after LIMIT $2 FOR UPDATE SKIP LOCKED
)
DELETE FROM permission_details d USING over WHERE d.session_id = over.session_id
