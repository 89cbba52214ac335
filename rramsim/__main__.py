"""`python -m rramsim`, where the command is not on the path."""

from rramsim.cli import main

if __name__ == "__main__":
    main()
