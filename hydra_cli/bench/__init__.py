"""`hydra bench`: suites of bugs, and what is measured on them."""
