"""The agent's own program, which knows nothing of inspan."""

import json
import sys


def main() -> None:
    """Say what is asked."""
    asked = json.loads(sys.stdin.readline())["ask"]
    for line in ({"say": asked}, {"done": True}):
        sys.stdout.write(f"{json.dumps(line)}\n")


if __name__ == "__main__":
    main()
