-- Of appends whose answer was lost: those that stand in the log.
SELECT
    a.session_id,
    EXISTS (
        SELECT FROM outbox o WHERE o.session_id = a.session_id COLLATE "C" AND o.version <= a.after
    ) AS older_unpublished
FROM unnest($1::text[], $2::int[], $3::bigint[]) AS a (session_id, after, append_id)
JOIN events e ON e.session_id = a.session_id COLLATE "C" AND e.version = a.after + 1
WHERE e.append_id = a.append_id
