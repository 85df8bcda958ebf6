-- Removes dead letters that were set aside too long ago, whether the topic has taken them or not.
WITH over AS (
    SELECT source FROM dead_letters WHERE at <= $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED
)
DELETE FROM dead_letters d USING over WHERE d.source = over.source
