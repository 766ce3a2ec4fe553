CREATE TEMPORARY TABLE new_vectors (digest bytea, vector vector) ON COMMIT DROP
