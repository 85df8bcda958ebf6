-- Whether anything can be written.
UPDATE readiness SET checks = checks + 1
