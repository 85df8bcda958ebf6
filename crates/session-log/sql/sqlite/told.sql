-- These facts were told.
DELETE FROM outbox
WHERE (session_id, version) IN (
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each($1)
)
