-- How many facts these sessions have; whoever was never heard of is left out.
SELECT session_id, version
FROM sessions
WHERE session_id = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb)))
