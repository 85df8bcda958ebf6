-- How many facts are still to be told.
SELECT count(*) AS pending FROM outbox
