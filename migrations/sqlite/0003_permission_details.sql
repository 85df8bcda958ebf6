-- Who the buyers of confirmed sessions are, and what is kept for how long. The same as for PostgreSQL, whose file explains
-- it.

CREATE TABLE permission_details (
    session_id  TEXT PRIMARY KEY,
    format      INTEGER NOT NULL CHECK (format >= 1),
    content     TEXT NOT NULL,
    erase_after INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX permission_details_to_erase ON permission_details (erase_after);

ALTER TABLE sessions ADD COLUMN details_at INTEGER;

CREATE INDEX sessions_without_details ON sessions (account, updated_at, session_id)
    WHERE state = 'confirmed' AND details_at IS NULL;

CREATE INDEX dead_letters_at ON dead_letters (at);
