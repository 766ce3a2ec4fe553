"""A depot: its catalogue, its prices and its invoices."""
