SELECT 1 FROM code_trees WHERE tree = %s
