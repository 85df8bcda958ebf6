-- What the unsettled sessions are worth. Added up by the caller: SQLite's own sum is a float.
SELECT account, state, currency, amount FROM sessions WHERE NOT settled AND amount IS NOT NULL
