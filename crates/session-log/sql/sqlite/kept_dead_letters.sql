-- Dead letters that the topic has not taken yet.
SELECT source, key, payload, headers, reason, field, at FROM dead_letters ORDER BY at, source LIMIT $1
