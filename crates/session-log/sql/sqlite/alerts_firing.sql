-- How many sessions have an alert of each kind that fires.
SELECT f.value AS kind, count(*) AS sessions
FROM sessions s
JOIN json_each(s.firing) f
WHERE s.firing <> '[]'
GROUP BY f.value
