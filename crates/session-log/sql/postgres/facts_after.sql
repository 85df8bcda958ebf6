-- The histories of all sessions beyond one, in portions.
SELECT session_id, version, at, type, format, body::text AS body, actor, reason, traceparent
FROM events
WHERE session_id > $1
ORDER BY session_id, version
LIMIT $2
