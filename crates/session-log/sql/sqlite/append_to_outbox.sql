-- A fact that is to be told, inside the transaction of its append.
INSERT INTO outbox (session_id, version, recorded_at) VALUES ($1, $2, $3)
