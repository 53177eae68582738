-- What a policy that was put as a document has beside its statements: Version and Id.
ALTER TABLE lambda_policies ADD COLUMN head TEXT NOT NULL DEFAULT '{}';
