UPDATE code_blobs SET used_at = now()
FROM (
    SELECT blob FROM code_blobs
    WHERE blob = ANY(%b) AND used_at < now() - interval '1 hour'
    ORDER BY blob
    FOR UPDATE
) AS idle
WHERE code_blobs.blob = idle.blob
