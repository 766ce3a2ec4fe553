INSERT INTO code_trees (tree, parser) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING tree
