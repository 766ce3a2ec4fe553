"""The world, one package per capability; every activity is idempotent on run, branch and attempt."""
