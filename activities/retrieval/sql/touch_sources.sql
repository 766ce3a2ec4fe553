UPDATE code_sources SET used_at = now()
FROM (
    SELECT oid FROM code_sources
    WHERE oid = ANY(%b) AND used_at < now() - interval '1 hour'
    ORDER BY oid
    FOR UPDATE
) AS idle
WHERE code_sources.oid = idle.oid
