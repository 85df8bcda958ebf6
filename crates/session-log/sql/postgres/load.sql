-- The history of one session.
SELECT version, at, type, format, body::text AS body, actor, reason, traceparent
FROM events
WHERE session_id = $1
ORDER BY version
