-- Unsettled sessions behind a given one, read along the index of their deadlines.
SELECT session_id, account, due_at, look_at, deadline
FROM sessions
WHERE NOT settled AND (account, deadline, session_id) > ($1, $2, $3)
ORDER BY account, deadline, session_id
LIMIT $4
