SELECT oid FROM code_sources WHERE oid = ANY(%b)
