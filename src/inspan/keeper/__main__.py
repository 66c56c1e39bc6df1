"""Starts the keeper: as ``python -I -m inspan.keeper``, or by this file's path with ``-I -S``.

By path neither ``site`` nor the package's own ``__init__`` runs, so nothing that is installed can
slow it down or change it; the modules of this folder are all it sees.
"""

import os
import sys

if not __package__:
    _bare = type(sys)("inspan")
    _bare.__path__ = [os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]  # noqa: PTH100, PTH120
    sys.modules["inspan"] = _bare

from inspan.keeper.main import main

sys.exit(main(sys.argv[1:]))
