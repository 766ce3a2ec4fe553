SELECT tree FROM code_trees WHERE tree = ANY(%b)
