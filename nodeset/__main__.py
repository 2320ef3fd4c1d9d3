"""`python -m nodeset` writes the generated NodeSet; with `--check` it fails when the file is out of date."""

from __future__ import annotations

import sys

from nodeset.xml import NODESET_FILE, nodeset_xml


def main(arguments: list[str]) -> int:
    """Write or check; the exit status."""
    if arguments not in ([], ["--check"]):
        print("usage: python -m nodeset [--check]", file=sys.stderr)
        return 2
    text = nodeset_xml()
    if not arguments:
        NODESET_FILE.write_text(text, encoding="utf-8")
        return 0
    if NODESET_FILE.exists() and NODESET_FILE.read_text(encoding="utf-8") == text:
        return 0
    print(f"{NODESET_FILE} is out of date: run `python -m nodeset`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
