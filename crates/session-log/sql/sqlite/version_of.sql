-- How many facts a session has; no row before the first.
SELECT version FROM sessions WHERE session_id = $1
