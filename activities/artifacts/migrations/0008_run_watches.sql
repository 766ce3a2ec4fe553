-- Who watches a run: while somebody does, what its models answer is passed on as it comes, by NOTIFY on a channel whose
-- name only who may read it here knows. Every role of a database may listen to any channel, and nobody can list them.
CREATE UNLOGGED TABLE run_watches (
    run_id  text PRIMARY KEY,
    channel text NOT NULL,
    joins   integer NOT NULL DEFAULT 0,
    until   timestamptz NOT NULL
);

CREATE FUNCTION find_watches(runs text[]) RETURNS TABLE (run_id text, channel text, joins integer)
LANGUAGE sql STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT w.run_id, w.channel, w.joins FROM run_watches w WHERE w.run_id = ANY (runs) AND w.until > now();
END;

REVOKE ALL ON FUNCTION find_watches(text[]) FROM PUBLIC;
