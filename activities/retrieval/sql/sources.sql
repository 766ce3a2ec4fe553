SELECT oid, source FROM code_sources WHERE oid = ANY(%b)
