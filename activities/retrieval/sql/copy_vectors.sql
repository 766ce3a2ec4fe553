COPY new_vectors (digest, vector) FROM STDIN (FORMAT binary)
