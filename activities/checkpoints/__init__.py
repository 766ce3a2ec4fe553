"""Git: snapshots, checkpoints, publication."""
