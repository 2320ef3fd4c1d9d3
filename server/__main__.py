"""`python -m server` is `voltkeep`."""

from server.cli import main

if __name__ == "__main__":
    main()
