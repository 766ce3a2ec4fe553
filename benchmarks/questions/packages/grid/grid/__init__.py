"""A spreadsheet: references, formulas, cells and what depends on them."""
