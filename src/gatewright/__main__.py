"""`python -m gatewright` is the same as the `gatewright` command."""

from gatewright.cli import main

if __name__ == "__main__":
    main()
