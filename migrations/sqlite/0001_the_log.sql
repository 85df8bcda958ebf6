-- The session log: facts, their fold, and what belongs to them. The same as for PostgreSQL, whose file explains it;
-- times are microseconds since 1970, truth values 0 and 1.

CREATE TABLE events (
    session_id  TEXT NOT NULL CHECK (length(session_id) BETWEEN 1 AND 64 AND session_id NOT GLOB '*[^A-Za-z0-9-]*'),
    version     INTEGER NOT NULL CHECK (version >= 1),
    at          INTEGER NOT NULL,
    type        TEXT NOT NULL,
    format      INTEGER NOT NULL CHECK (format >= 1),
    body        TEXT NOT NULL CHECK (json_type(body) = 'object'),
    actor       TEXT,
    reason      TEXT,
    traceparent TEXT,
    request_id  TEXT GENERATED ALWAYS AS (json_extract(body, '$.answer.requestId')) VIRTUAL,
    append_id   INTEGER NOT NULL,
    PRIMARY KEY (session_id, version)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX events_one_outcome ON events (session_id)
    WHERE type IN ('confirmed', 'declined', 'cancelled', 'expired', 'unresolved');

CREATE TABLE sessions (
    session_id            TEXT PRIMARY KEY,
    version               INTEGER NOT NULL CHECK (version >= 1),
    state                 TEXT NOT NULL CHECK (state IN (
                              'ready', 'waiting', 'in-doubt', 'needs-repair', 'forsworn', 'payment-pending',
                              'confirmed', 'declined', 'cancelled', 'expired', 'unresolved')),
    account               TEXT NOT NULL,
    partition             INTEGER NOT NULL CHECK (partition >= 0),
    deadline              INTEGER NOT NULL,
    deadline_from         TEXT NOT NULL CHECK (deadline_from IN ('look-up', 'event', 'upper-bound')),
    due_at                INTEGER,
    amount                TEXT CHECK (amount NOT GLOB '*[^0-9.]*'),
    currency              TEXT CHECK (currency GLOB '[A-Z][A-Z][A-Z]'),
    -- PostgreSQL's text refuses NUL by itself.
    merchant_reference_id TEXT CHECK (instr(merchant_reference_id, char(0)) = 0),
    settled               INTEGER NOT NULL CHECK (settled IN (0, 1)),
    updated_at            INTEGER NOT NULL,
    erase_after           INTEGER,
    erased_at             INTEGER,
    CHECK ((amount IS NULL) = (currency IS NULL)),
    CHECK (settled = (state IN ('confirmed', 'declined', 'cancelled', 'expired', 'unresolved'))),
    CHECK (settled = (due_at IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_due ON sessions (account, due_at) WHERE NOT settled;
CREATE INDEX sessions_deadline ON sessions (account, deadline, session_id) WHERE NOT settled;
CREATE INDEX sessions_settled ON sessions (account, state, updated_at) WHERE settled;
CREATE INDEX sessions_to_erase ON sessions (erase_after) WHERE erase_after IS NOT NULL AND erased_at IS NULL;

CREATE TABLE outbox (
    session_id  TEXT NOT NULL,
    version     INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    PRIMARY KEY (session_id, version),
    FOREIGN KEY (session_id, version) REFERENCES events (session_id, version)
) STRICT, WITHOUT ROWID;

CREATE INDEX outbox_recorded ON outbox (recorded_at);

CREATE TABLE personal (
    session_id TEXT NOT NULL,
    slot       INTEGER NOT NULL CHECK (slot >= -1),
    format     INTEGER NOT NULL CHECK (format >= 1),
    content    TEXT NOT NULL,
    PRIMARY KEY (session_id, slot)
) STRICT, WITHOUT ROWID;

CREATE TABLE bodies (
    session_id TEXT NOT NULL,
    body_ref   INTEGER NOT NULL CHECK (body_ref >= 0),
    bytes      BLOB NOT NULL,
    PRIMARY KEY (session_id, body_ref)
) STRICT, WITHOUT ROWID;

CREATE TABLE dead_letters (
    source  TEXT PRIMARY KEY,
    key     BLOB,
    payload BLOB,
    headers TEXT NOT NULL,
    reason  TEXT NOT NULL,
    field   TEXT NOT NULL,
    at      INTEGER NOT NULL
) STRICT;

CREATE TABLE notices (
    ordinal  INTEGER PRIMARY KEY AUTOINCREMENT,
    alert_id TEXT NOT NULL,
    firing   INTEGER NOT NULL CHECK (firing IN (0, 1)),
    kind     TEXT NOT NULL CHECK (kind IN ('account-stopped', 'dead-letter')),
    summary  TEXT NOT NULL,
    account  TEXT,
    key      TEXT NOT NULL,
    at       INTEGER NOT NULL,
    told     INTEGER NOT NULL DEFAULT 0 CHECK (told IN (0, 1)),
    UNIQUE (alert_id, firing)
) STRICT;

CREATE INDEX notices_untold ON notices (ordinal) WHERE NOT told;

CREATE TABLE account_conditions (
    ordinal   INTEGER PRIMARY KEY AUTOINCREMENT,
    account   TEXT NOT NULL,
    condition TEXT NOT NULL CHECK (condition IN ('running', 'paused', 'stopped')),
    since     INTEGER NOT NULL,
    said_by   TEXT NOT NULL,
    reason    TEXT NOT NULL,
    UNIQUE (account, since, condition, said_by)
) STRICT;

CREATE TABLE readiness (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    checks   INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT INTO readiness (only_row) VALUES (1);
