-- How the connection of a writer plans: once, and always through the indexes, because the plan that is made while the
-- tables are small stays when they are large. Compiling would take longer than the statement.
SET plan_cache_mode = 'force_generic_plan';
SET enable_seqscan = off;
SET jit = off;
