"""Writes docs/openapi.json and docs/asyncapi.json, from the table that the daemon serves.

With ``--check`` it changes nothing and fails where they are not what the table says.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from inspan.server import describe

DOCS = Path(__file__).parent.parent / "docs"
DOCUMENTS = {"openapi.json": describe.openapi, "asyncapi.json": describe.asyncapi}


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; 1 where one differs")
    only_compare = parser.parse_args(argv).check
    for name, make in DOCUMENTS.items():
        path = DOCS / name
        text = json.dumps(make(), indent=1, ensure_ascii=False) + "\n"
        if not only_compare:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            print(f"docs/{name} does not describe what is served; `make docs` writes it anew")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
