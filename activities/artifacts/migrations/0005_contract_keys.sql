-- The ids of the roles' keys, as the supervisor uses them: a node with others is told when it starts.
ALTER TABLE contract ADD COLUMN keys jsonb NOT NULL DEFAULT '{}';

DROP FUNCTION read_contract();
CREATE FUNCTION read_contract() RETURNS TABLE (version integer, keys jsonb)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT c.version, c.keys FROM contract c;
END;
REVOKE ALL ON FUNCTION read_contract() FROM PUBLIC;

-- As before, with one hash instead of two.
CREATE OR REPLACE FUNCTION store_artifact(address bytea, media_type text, content bytea) RETURNS boolean
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
