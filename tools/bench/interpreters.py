"""A Python with inspan and nothing that slows its start: no code in ``.pth`` files.

Tools of development leave such files in an environment, coverage for one, and then every start of
Python costs the same large sum, which hides what ours costs.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

_INSPAN = """\
#!{python}
from inspan.cli.main import command
command()
"""


class Clean:
    """An environment in ``folder`` that finds the packages of this one."""

    def __init__(self, folder: Path) -> None:
        where = folder / "python"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", where], check=True)
        self.python = str(where / "bin" / "python")
        self.inspan = str(where / "bin" / "inspan")
        site = next((where / "lib").glob("python*/site-packages"))
        sources = Path(__file__).parents[2] / "src"
        # Folders that a .pth file names are searched, but their own .pth files are not run.
        packages = sysconfig.get_path("purelib")
        (site / "inspan.pth").write_text(f"{packages}\n{sources}\n")
        # As an installer leaves it; here Python may be told to write none.
        subprocess.run([self.python, "-m", "compileall", "-q", sources / "inspan"], check=True)
        Path(self.inspan).write_text(_INSPAN.format(python=self.python))
        Path(self.inspan).chmod(0o755)
