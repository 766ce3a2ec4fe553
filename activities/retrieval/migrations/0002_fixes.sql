-- Where earlier fixes of a repository were, and the terms of their issues (their numbers, not their text).
CREATE TABLE code_fixes (
    repository text NOT NULL,
    path text NOT NULL,
    name text NOT NULL,
    terms bytea NOT NULL,
    fixed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (repository, path, name, terms)
);
