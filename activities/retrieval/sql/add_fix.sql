INSERT INTO code_fixes (repository, path, name, terms)
VALUES (%s, %s, %s, %s)
ON CONFLICT (repository, path, name, terms) DO UPDATE SET fixed_at = now();
