-- Whether the database was ever migrated.
SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'confirmd_schema') AS present
