CREATE EXTENSION IF NOT EXISTS vector;

CREATE TABLE IF NOT EXISTS artifacts (
    sha256     bytea PRIMARY KEY,
    media_type text NOT NULL,
    data       bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- The genealogy outlives Temporal's retention here: the run without its branches, and its branches.
CREATE TABLE IF NOT EXISTS runs (
    run_id     text PRIMARY KEY,
    genealogy  jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS branches (
    run_id     text NOT NULL,
    number     integer NOT NULL,
    branch     jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run_id, number)
);
