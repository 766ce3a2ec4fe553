"""The code that runs inside a sandbox: it imports nothing but the standard library, pytest and coverage.

The folder is bind-mounted into every sandbox and imported there as the package `hydra_inside`.
"""
