"""A message queue: topics, priorities, leases, retries and dead letters."""
