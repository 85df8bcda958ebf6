-- An alert of its own for what an account's quota cannot save. The same as for PostgreSQL; SQLite changes no CHECK, so that
-- the table is made anew.

CREATE TABLE notices_of_all_kinds (
    ordinal  INTEGER PRIMARY KEY AUTOINCREMENT,
    alert_id TEXT NOT NULL,
    firing   INTEGER NOT NULL CHECK (firing IN (0, 1)),
    kind     TEXT NOT NULL CHECK (kind IN ('account-stopped', 'predicted-loss', 'dead-letter')),
    summary  TEXT NOT NULL,
    account  TEXT,
    key      TEXT NOT NULL,
    at       INTEGER NOT NULL,
    told     INTEGER NOT NULL DEFAULT 0 CHECK (told IN (0, 1)),
    UNIQUE (alert_id, firing)
) STRICT;

INSERT INTO notices_of_all_kinds (ordinal, alert_id, firing, kind, summary, account, key, at, told)
SELECT ordinal, alert_id, firing, kind, summary, account, key, at, told FROM notices;

DROP TABLE notices;
ALTER TABLE notices_of_all_kinds RENAME TO notices;

CREATE INDEX notices_untold ON notices (ordinal) WHERE NOT told;
