"""The `hydra` command, as `python -I -m hydra_cli`."""

from hydra_cli import main

main()
