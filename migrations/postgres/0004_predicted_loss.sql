-- An alert of its own for what an account's quota cannot save.

ALTER TABLE notices
    DROP CONSTRAINT notices_kind_check,
    ADD CONSTRAINT notices_kind_check CHECK (kind IN ('account-stopped', 'predicted-loss', 'dead-letter'));
