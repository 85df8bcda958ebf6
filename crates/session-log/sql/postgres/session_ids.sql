-- Every session that has facts, in portions.
SELECT DISTINCT session_id FROM events WHERE session_id > $1 ORDER BY session_id LIMIT $2
