-- Who the buyers of confirmed sessions are, as Get Charge Permission told it afterwards: personal data beside the log,
-- with a keep of their own.

CREATE TABLE permission_details (
    session_id  text COLLATE "C" PRIMARY KEY,
    format      integer NOT NULL CHECK (format >= 1),
    content     text NOT NULL,
    erase_after timestamptz NOT NULL
);

CREATE INDEX permission_details_to_erase ON permission_details (erase_after);

-- When they were kept, or given up; null where they may still be asked for. Follows from no fact, and stays when they are
-- erased.
ALTER TABLE sessions ADD COLUMN details_at timestamptz;

-- Whose details are wanted follows from the outcome: there is no queue that could disagree with it. Read from the last
-- 30 days on, however long the history is.
CREATE INDEX sessions_without_details ON sessions (account, updated_at, session_id)
    WHERE state = 'confirmed' AND details_at IS NULL;

-- Dead letters hold whatever somebody sent, so that their copies here have a keep, too.
CREATE INDEX dead_letters_at ON dead_letters (at);
