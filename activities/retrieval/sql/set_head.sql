INSERT INTO code_heads (repository, commit, tree, skipped) VALUES (%s, %s, %s, %s)
ON CONFLICT (repository) DO UPDATE
SET commit = excluded.commit, tree = excluded.tree, skipped = excluded.skipped, indexed_at = now()
