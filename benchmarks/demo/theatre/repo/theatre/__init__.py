"""A theatre's box office: the hall, the orders and the receipts."""
