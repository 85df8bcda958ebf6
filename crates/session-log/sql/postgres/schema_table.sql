-- Whether the database was ever migrated.
SELECT to_regclass('confirmd_schema') IS NOT NULL AS present
