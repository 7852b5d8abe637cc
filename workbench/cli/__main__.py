"""`python -m workbench.cli`: the command where no entry point is installed."""

from workbench.cli import main

main()
