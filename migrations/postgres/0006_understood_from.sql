-- The oldest schema whose programs go on working on this one, so that versions can be rolled out and back one replica at
-- a time. Nothing where only programs that know it do.

ALTER TABLE confirmd_schema ADD COLUMN understood_from integer;
