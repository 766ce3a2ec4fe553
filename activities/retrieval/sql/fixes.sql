SELECT path, name, terms
FROM code_fixes
WHERE repository = %s
ORDER BY fixed_at DESC
LIMIT %s;
