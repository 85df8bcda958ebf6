-- A buyer's details are asked for no more.
UPDATE sessions SET details_at = $2 WHERE session_id = $1 AND details_at IS NULL
