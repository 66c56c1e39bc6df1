"""What a server writes without its library is what that would have written."""

from __future__ import annotations

import pytest
from websockets.frames import Frame, Opcode

from inspan.client import wire
from inspan.server.sockets import framed

pytestmark = pytest.mark.requirement("C6")


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 1 << 20])
def test_a_text_of_any_size_is_framed_as_the_library_frames_it(size: int) -> None:
    text = b"a" * size

    assert framed(text) == Frame(Opcode.TEXT, text).serialize(mask=False)
    assert wire.Frames().feed(framed(text)) == [(wire.TEXT, text)]
