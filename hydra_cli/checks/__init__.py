"""The checks of `hydra doctor`: this machine, Temporal's server, the database, and the nodes."""
