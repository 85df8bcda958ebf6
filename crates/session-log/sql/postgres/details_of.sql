-- What was kept of a session's buyer.
SELECT format, content FROM permission_details WHERE session_id = $1
