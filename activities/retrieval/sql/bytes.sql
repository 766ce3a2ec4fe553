-- Of all repositories: rows that trees share cannot be told apart.
SELECT sum(pg_total_relation_size(c.oid))::bigint
FROM pg_class c
WHERE c.relname LIKE 'code\_%%' AND c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
