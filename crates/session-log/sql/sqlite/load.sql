-- The history of one session.
SELECT version, at, type, format, body, actor, reason, traceparent
FROM events
WHERE session_id = $1
ORDER BY version
