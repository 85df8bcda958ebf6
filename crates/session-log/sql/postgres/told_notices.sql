-- These notices were told. They stay, so that recording them again changes nothing.
UPDATE notices SET told = true
WHERE (alert_id, firing) IN (
    SELECT n ->> 0, (n ->> 1)::boolean FROM jsonb_array_elements($1::jsonb) AS n
)
