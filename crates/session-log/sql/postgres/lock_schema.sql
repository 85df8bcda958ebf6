-- One migrates at a time; the lock is given back when the connection ends. Neither this nor a lock on a table that is in
-- use is waited for without end.
SELECT set_config('lock_timeout', '60s', false), pg_advisory_lock(hashtext('confirmd_schema'))
