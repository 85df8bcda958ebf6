-- The bytes that an attempt sent.
SELECT bytes FROM bodies WHERE session_id = $1 AND body_ref = $2
