"""The content-addressed artifact store and the records of runs."""
