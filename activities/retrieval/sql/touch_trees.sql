UPDATE code_trees SET used_at = now()
FROM (
    SELECT tree FROM code_trees
    WHERE tree = ANY(%b) AND used_at < now() - interval '1 hour'
    ORDER BY tree
    FOR UPDATE
) AS idle
WHERE code_trees.tree = idle.tree
