-- One fact of an append, inside its transaction.
INSERT INTO events (session_id, version, at, type, format, body, actor, reason, traceparent, append_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
