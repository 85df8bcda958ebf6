-- Of the fold: when a session next wants something that needs no call, and which of its alerts fire. Rows from before
-- know neither until their next fact, or until `confirmd migrate --rebuild`.

ALTER TABLE sessions
    ADD COLUMN look_at timestamptz,
    -- Kinds of alerts, each once.
    ADD COLUMN firing jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(firing) = 'array');

CREATE INDEX sessions_look_at ON sessions (look_at, session_id) WHERE NOT settled AND look_at IS NOT NULL;
CREATE INDEX sessions_firing ON sessions (session_id) WHERE firing <> '[]';
