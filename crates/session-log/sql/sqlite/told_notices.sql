-- These notices were told. They stay, so that recording them again changes nothing.
UPDATE notices SET told = 1
WHERE (alert_id, firing) IN (
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each($1)
)
