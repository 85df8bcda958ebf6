-- Removes dead letters that were set aside too long ago, whether the topic has taken them or not.
DELETE FROM dead_letters
WHERE source IN (SELECT source FROM dead_letters WHERE at <= $1 ORDER BY at LIMIT $2)
