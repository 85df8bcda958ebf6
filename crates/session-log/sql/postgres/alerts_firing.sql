-- How many sessions have an alert of each kind that fires.
SELECT kind, count(*) AS sessions
FROM sessions s
CROSS JOIN LATERAL jsonb_array_elements_text(s.firing) AS kind
WHERE s.firing <> '[]'
GROUP BY kind
