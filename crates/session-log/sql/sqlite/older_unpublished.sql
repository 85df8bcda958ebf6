-- Whether a fact from before an append is still to be told.
SELECT EXISTS (SELECT 1 FROM outbox WHERE session_id = $1 AND version <= $2) AS older_unpublished
