"""A ledger: double-entry bookkeeping for a small club."""
