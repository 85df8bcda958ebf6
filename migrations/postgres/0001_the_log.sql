-- The session log: facts, their fold, and what belongs to them.

-- Every fact of every session, added to and never changed. The primary key is the lock: of two who add the same
-- version, one adds nothing.
CREATE TABLE events (
    session_id  text COLLATE "C" NOT NULL CHECK (session_id ~ '^[A-Za-z0-9-]{1,64}$'),
    version     integer NOT NULL CHECK (version >= 1),
    at          timestamptz NOT NULL,
    type        text NOT NULL,
    -- Which reading of `body` applies; see crates/session-log/src/format.
    format      integer NOT NULL CHECK (format >= 1),
    body        jsonb NOT NULL CHECK (jsonb_typeof(body) = 'object'),
    -- The operator; null where confirmd itself acted.
    actor       text,
    reason      text,
    traceparent text,
    -- Amazon's request id, which its support asks for.
    request_id  text GENERATED ALWAYS AS (body #>> '{answer,requestId}') STORED,
    -- Drawn for each append: one whose answer was lost is recognised by it.
    append_id   bigint NOT NULL,
    PRIMARY KEY (session_id, version)
);

-- One outcome a session.
CREATE UNIQUE INDEX events_one_outcome ON events (session_id)
    WHERE type IN ('confirmed', 'declined', 'cancelled', 'expired', 'unresolved');

-- The fold of each session, written in the statement that adds the facts. Everything but `partition`, `erase_after`
-- and `erased_at` follows from the events.
CREATE TABLE sessions (
    session_id            text COLLATE "C" PRIMARY KEY,
    version               integer NOT NULL CHECK (version >= 1),
    state                 text NOT NULL CHECK (state IN (
                              'ready', 'waiting', 'in-doubt', 'needs-repair', 'forsworn', 'payment-pending',
                              'confirmed', 'declined', 'cancelled', 'expired', 'unresolved')),
    -- Empty where the event's name is not one.
    account               text NOT NULL,
    partition             integer NOT NULL CHECK (partition >= 0),
    deadline              timestamptz NOT NULL,
    deadline_from         text NOT NULL CHECK (deadline_from IN ('look-up', 'event', 'upper-bound')),
    due_at                timestamptz,
    -- As it was written: `numeric` with a scale would make 112.50 out of 112.5.
    amount                text CHECK (amount ~ '^[0-9]+(\.[0-9]+)?$'),
    currency              text CHECK (currency ~ '^[A-Z]{3}$'),
    merchant_reference_id text,
    settled               boolean NOT NULL,
    updated_at            timestamptz NOT NULL,
    erase_after           timestamptz,
    erased_at             timestamptz,
    CHECK ((amount IS NULL) = (currency IS NULL)),
    CHECK (settled = (state IN ('confirmed', 'declined', 'cancelled', 'expired', 'unresolved'))),
    -- What is not settled always wants to be looked at again: nothing can be forgotten.
    CHECK (settled = (due_at IS NULL))
);

-- The queue. There is no other.
CREATE INDEX sessions_due ON sessions (account, due_at) WHERE NOT settled;
CREATE INDEX sessions_deadline ON sessions (account, deadline, session_id) WHERE NOT settled;
CREATE INDEX sessions_settled ON sessions (account, state, updated_at) WHERE settled;
CREATE INDEX sessions_to_erase ON sessions (erase_after) WHERE erase_after IS NOT NULL AND erased_at IS NULL;

-- Facts that are not told yet. Only a session's oldest may go out.
CREATE TABLE outbox (
    session_id  text COLLATE "C" NOT NULL,
    version     integer NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (session_id, version),
    FOREIGN KEY (session_id, version) REFERENCES events (session_id, version)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE INDEX outbox_recorded ON outbox (recorded_at);

-- What no event holds: addresses and the shop's own text, removed when `sessions.erase_after` has passed.
CREATE TABLE personal (
    session_id text COLLATE "C" NOT NULL,
    -- The number that statements refer to; -1 for what the last look-up brought.
    slot       integer NOT NULL CHECK (slot >= -1),
    format     integer NOT NULL CHECK (format >= 1),
    content    text NOT NULL,
    PRIMARY KEY (session_id, slot)
);

-- The exact bytes that attempts sent; removed with the personal data, which they hold too.
CREATE TABLE bodies (
    session_id text COLLATE "C" NOT NULL,
    body_ref   integer NOT NULL CHECK (body_ref >= 0),
    bytes      bytea NOT NULL,
    PRIMARY KEY (session_id, body_ref)
);

-- Events without a readable session id that the dead-letter topic has not taken yet.
CREATE TABLE dead_letters (
    source  text PRIMARY KEY,
    key     bytea,
    payload bytea,
    headers text NOT NULL,
    reason  text NOT NULL,
    field   text NOT NULL,
    at      timestamptz NOT NULL
);

-- Alerts that belong to no session.
CREATE TABLE notices (
    ordinal  bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    alert_id text NOT NULL,
    firing   boolean NOT NULL,
    kind     text NOT NULL CHECK (kind IN ('account-stopped', 'dead-letter')),
    summary  text NOT NULL,
    account  text,
    key      text NOT NULL,
    at       timestamptz NOT NULL,
    told     boolean NOT NULL DEFAULT false,
    PRIMARY KEY (alert_id, firing)
);

CREATE INDEX notices_untold ON notices (ordinal) WHERE NOT told;

-- Every setting of an account's condition; the newest of each account holds.
CREATE TABLE account_conditions (
    ordinal   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account   text NOT NULL,
    condition text NOT NULL CHECK (condition IN ('running', 'paused', 'stopped')),
    since     timestamptz NOT NULL,
    said_by   text NOT NULL,
    reason    text NOT NULL,
    -- The same one brought twice, because its answer was lost, is one.
    UNIQUE (account, since, condition, said_by)
);

-- Written by the readiness check, which must know whether anything can be written at all.
CREATE TABLE readiness (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    checks   bigint NOT NULL DEFAULT 0
);

INSERT INTO readiness DEFAULT VALUES;
