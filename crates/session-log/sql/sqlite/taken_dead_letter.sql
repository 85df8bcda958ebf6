-- The topic has taken it.
DELETE FROM dead_letters WHERE source = $1
