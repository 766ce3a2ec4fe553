DELETE FROM code_fixes
WHERE repository = %s
RETURNING path;
