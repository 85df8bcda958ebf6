-- The schema that the database has.
SELECT coalesce(max(version), 0) AS version FROM confirmd_schema
