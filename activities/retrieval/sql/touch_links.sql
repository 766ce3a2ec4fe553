UPDATE code_links SET used_at = now()
FROM (
    SELECT links FROM code_links
    WHERE links = ANY(%b) AND used_at < now() - interval '1 hour'
    ORDER BY links
    FOR UPDATE
) AS idle
WHERE code_links.links = idle.links
