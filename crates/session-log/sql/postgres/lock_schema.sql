-- One migrates at a time. Given back when the connection ends.
SELECT pg_advisory_lock(hashtext('confirmd_schema'))
