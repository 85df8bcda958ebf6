-- Folds of nothing.
SELECT s.session_id FROM sessions s
WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.session_id = s.session_id)
ORDER BY s.session_id
LIMIT $1
