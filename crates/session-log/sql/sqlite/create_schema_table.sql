-- Notes which migrations were applied.
CREATE TABLE IF NOT EXISTS confirmd_schema (
    version    INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    applied_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
) STRICT
