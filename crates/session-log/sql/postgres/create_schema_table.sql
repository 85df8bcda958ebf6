-- Notes which migrations were applied.
CREATE TABLE IF NOT EXISTS confirmd_schema (
    version    integer PRIMARY KEY,
    name       text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
