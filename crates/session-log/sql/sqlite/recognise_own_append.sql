-- Whether the append whose answer was lost stands in the log.
SELECT 1 AS found FROM events WHERE session_id = $1 AND version = $2 AND append_id = $3
