-- How many facts these sessions have; whoever was never heard of is left out.
SELECT session_id, version
FROM sessions
WHERE session_id IN (SELECT value FROM json_each($1))
