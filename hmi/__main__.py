"""`python -m hmi`: serve the operator's pages until stopped."""

from __future__ import annotations

import sys

from config.settings import load_settings
from config.yamlfile import ConfigurationError
from hmi.app import run


def main() -> int:
    """Exit code of the program: 2 for a wrong configuration, 1 for a port in use."""
    try:
        settings = load_settings()
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 2
    return run(settings)


if __name__ == "__main__":
    sys.exit(main())
