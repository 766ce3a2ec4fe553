-- Runs are listed and searched here, and what Temporal forgets of them after its retention is kept.

-- The words of a text, as they are searched: identifiers and paths fall into their parts.
CREATE FUNCTION split_words(content text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN trim(regexp_replace(content, '[^[:alnum:]]+', ' ', 'g'));

CREATE FUNCTION index_words(content text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN to_tsvector('simple'::regconfig, split_words(content));

ALTER TABLE runs
    ADD COLUMN started_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN issue      text NOT NULL DEFAULT '',
    ADD COLUMN imported   boolean NOT NULL DEFAULT false,
    ADD COLUMN repository text GENERATED ALWAYS AS (genealogy ->> 'repository_name') STORED,
    ADD COLUMN title      text GENERATED ALWAYS AS (genealogy ->> 'title') STORED,
    ADD COLUMN verdict    text GENERATED ALWAYS AS (genealogy ->> 'verdict') STORED,
    ADD COLUMN words      tsvector GENERATED ALWAYS AS (index_words(
        run_id || ' ' || coalesce(genealogy ->> 'title', '') || ' ' || coalesce(genealogy ->> 'reason', '') || ' '
        || coalesce(genealogy ->> 'target_tests', '') || ' ' || coalesce(genealogy ->> 'model', '') || ' '
        || coalesce(genealogy ->> 'published', '') || ' ' || issue
    )) STORED;

-- The genealogy counts working time, so that a run that was paused began earlier than this.
UPDATE runs SET started_at = updated_at - make_interval(secs => coalesce((genealogy ->> 'seconds')::float8, 0));

CREATE FUNCTION find_highest_score(branch jsonb) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT max((attempt #>> '{score,value}')::float8) FROM jsonb_array_elements(branch -> 'attempts') AS attempt
);

ALTER TABLE branches
    ADD COLUMN ending      text GENERATED ALWAYS AS (branch ->> 'ending') STORED,
    ADD COLUMN convergence float8 GENERATED ALWAYS AS (find_highest_score(branch)) STORED,
    ADD COLUMN words       tsvector GENERATED ALWAYS AS (index_words(
        coalesce(branch #>> '{strategy,title}', '') || ' ' || coalesce(branch #>> '{strategy,rationale}', '') || ' '
        || coalesce(branch #>> '{strategy,target_files}', '') || ' ' || coalesce(branch ->> 'reason', '')
    )) STORED;

CREATE INDEX runs_by_start ON runs (started_at DESC, run_id DESC);
CREATE INDEX runs_by_repository ON runs (repository, started_at DESC);
CREATE INDEX runs_by_words ON runs USING gin (words);
CREATE INDEX branches_by_words ON branches USING gin (words);

-- The log of a run that has ended, sealed as Temporal's own history of it is.
CREATE TABLE run_logs (
    run_id      text PRIMARY KEY REFERENCES runs ON DELETE CASCADE,
    key         bytea NOT NULL,
    sealed      bytea NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);

-- The artifacts that are kept as long as their run: transcripts and patches.
CREATE TABLE run_artifacts (
    run_id text NOT NULL REFERENCES runs ON DELETE CASCADE,
    sha256 bytea NOT NULL,
    PRIMARY KEY (run_id, sha256)
);
CREATE INDEX run_artifacts_by_address ON run_artifacts (sha256);

-- What was put again counts as used again: the same content may be older than the run that needs it.
ALTER TABLE artifacts ADD COLUMN used_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX artifacts_by_use ON artifacts (used_at);

CREATE OR REPLACE FUNCTION store_artifact(address bytea, media_type text, content bytea) RETURNS boolean
LANGUAGE sql VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    WITH checked AS MATERIALIZED (
        SELECT sha256(content) = address AS fits
    ), stored AS (
        INSERT INTO artifacts AS a (sha256, media_type, data)
        SELECT address, store_artifact.media_type, content FROM checked WHERE fits
        ON CONFLICT (sha256) DO UPDATE SET used_at = now() WHERE a.used_at < now() - interval '1 hour'
    )
    SELECT fits FROM checked;
END;

-- When what is old was last removed, and how much of it.
CREATE TABLE sweeps (
    swept_at timestamptz PRIMARY KEY DEFAULT now(),
    removed  jsonb NOT NULL DEFAULT '{}'
);
