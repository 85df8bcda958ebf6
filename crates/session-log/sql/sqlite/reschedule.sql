-- When a session wants to be looked at, without a fact; unless facts were added meanwhile, which brought it themselves.
UPDATE sessions SET due_at = $3, look_at = $4
WHERE session_id = $1 AND version = $2 AND NOT settled AND (due_at IS NOT $3 OR look_at IS NOT $4)
