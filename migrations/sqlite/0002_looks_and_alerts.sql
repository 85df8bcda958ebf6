-- When a session next wants something that needs no call, and which of its alerts fire. The same as for PostgreSQL, whose
-- file explains it.

ALTER TABLE sessions ADD COLUMN look_at INTEGER;
ALTER TABLE sessions ADD COLUMN firing TEXT NOT NULL DEFAULT '[]' CHECK (json_type(firing) = 'array');

CREATE INDEX sessions_look_at ON sessions (look_at, session_id) WHERE NOT settled AND look_at IS NOT NULL;
CREATE INDEX sessions_firing ON sessions (session_id) WHERE firing <> '[]';
