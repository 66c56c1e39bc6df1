"""Starts a worker as ``python -m inspan.kernel.worker``, where inspan is installed."""

import sys

from inspan.kernel.worker.main import main

main(sys.argv[1:])
