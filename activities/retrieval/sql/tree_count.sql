SELECT count(*) FROM code_trees
