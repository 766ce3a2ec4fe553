-- What a node of one role may do with the tables that it may not read: the owner's rights, one row at a time.
-- The bodies are bound to their tables here, so that no search path of a caller's leads them elsewhere.

-- Who knows the hash of an artifact may read it, and nobody can ask which there are.
CREATE FUNCTION read_artifact(address bytea) RETURNS bytea
LANGUAGE sql STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT a.data FROM artifacts a WHERE a.sha256 = address;
END;

-- False, and nothing is stored, where the content is another than its address says.
CREATE FUNCTION store_artifact(address bytea, media_type text, content bytea) RETURNS boolean
LANGUAGE sql VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    WITH checked AS MATERIALIZED (
        SELECT sha256(content) = address AS fits
    ), stored AS (
        INSERT INTO artifacts (sha256, media_type, data)
        SELECT address, store_artifact.media_type, content FROM checked WHERE fits
        ON CONFLICT DO NOTHING
    )
    SELECT fits FROM checked;
END;

CREATE FUNCTION read_sandbox_variable(wanted text) RETURNS TABLE (key bytea, sealed bytea)
LANGUAGE sql STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT v.key, v.sealed FROM sandbox_variables v WHERE v.reference = wanted;
END;

CREATE FUNCTION read_migrations() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT m.name FROM migrations m;
END;

-- The version of what the nodes say to each other, and the ids of the roles' keys, which the supervisor writes here: a
-- node with others is told when it starts.
CREATE TABLE contract (
    singleton  boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    version    integer NOT NULL,
    keys       jsonb NOT NULL DEFAULT '{}',
    written_at timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION read_contract() RETURNS TABLE (version integer, keys jsonb)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT c.version, c.keys FROM contract c;
END;

REVOKE ALL ON FUNCTION
    read_artifact(bytea), store_artifact(bytea, text, bytea), read_sandbox_variable(text), read_migrations(), read_contract()
FROM PUBLIC;
