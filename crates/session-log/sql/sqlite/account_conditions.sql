-- The newest setting of each account.
SELECT c.account, c.condition, c.since, c.said_by, c.reason
FROM account_conditions c
WHERE c.ordinal = (SELECT max(n.ordinal) FROM account_conditions n WHERE n.account = c.account)
ORDER BY c.account
