"""Whether sandboxes can be had here. Where they cannot, their tests say so, one by one."""

from __future__ import annotations

from functools import cache

import pytest

from inspan.errors import NotConfined
from inspan.providers.bubblewrap import prove


@cache
def missing() -> str:
    """Why there are none; nothing where there are."""
    try:
        prove()
    except NotConfined as error:
        return f"NO SANDBOX CAN BE HAD HERE: {error}"
    return ""


needs_sandbox = pytest.mark.skipif(bool(missing()), reason=missing() or "there is one")
