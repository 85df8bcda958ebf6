-- The oldest schema whose programs can work on this database.
SELECT max(coalesce(understood_from, version)) AS understood_from FROM confirmd_schema
