"""A fruit farm: its rows of trees, pickers, crates and cold stores."""
