-- Keeps a dead letter; once a source.
INSERT INTO dead_letters (source, key, payload, headers, reason, field, at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (source) DO NOTHING
