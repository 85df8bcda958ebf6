-- These facts were told. Not flushed: lost in a crash, they are told again under the same ids. What another replica is
-- removing at this moment is left to it.
WITH lightly AS MATERIALIZED (
    SELECT set_config('synchronous_commit', 'off', true) AS setting
),
told AS (
    SELECT fact ->> 0 AS session_id, (fact ->> 1)::int AS version FROM jsonb_array_elements($1::jsonb) AS fact
),
here AS (
    SELECT o.session_id, o.version
    FROM told t
    JOIN outbox o ON o.session_id = t.session_id COLLATE "C" AND o.version = t.version
    FOR UPDATE OF o SKIP LOCKED
)
DELETE FROM outbox o
USING here h, lightly
WHERE o.session_id = h.session_id AND o.version = h.version AND lightly.setting = 'off'
