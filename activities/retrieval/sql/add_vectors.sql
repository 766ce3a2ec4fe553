INSERT INTO code_vectors (model, digest, vector)
SELECT %s, digest, vector FROM new_vectors ORDER BY digest
ON CONFLICT DO NOTHING
