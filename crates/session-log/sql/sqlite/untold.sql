-- The oldest untold fact of each session, oldest first.
SELECT o.session_id, o.version
FROM outbox o
WHERE o.recorded_at <= $1
  AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.session_id = o.session_id AND p.version < o.version)
ORDER BY o.recorded_at, o.session_id
LIMIT $2
