"""What `inspan doctor` looks at of the ways in: sockets, tokens, the certificate."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from inspan.cli import reach
from inspan.cli.finding import FAIL, OK, WARN

if TYPE_CHECKING:
    from inspan.settings import Places

#: Seconds before its end at which a certificate is spoken of.
_SOON: Final = 21 * 86400.0


def sockets(where: Places) -> tuple[str, ...]:
    """Where they are, and whether one was left behind."""
    left = [
        path.name
        for path in (where.daemon_socket, where.keeper_socket)
        if path.exists() and not reach.answers(path)
    ]
    if left:
        hint = "Who held it was killed; the next command that needs it puts another in its place."
        return WARN, f"nobody answers at {' and '.join(left)} in {where.runtime_dir}", hint
    length = len(os.fsencode(where.daemon_socket))
    return OK, f"{where.runtime_dir} ({length} bytes of path)"


def tokens(where: Places) -> tuple[str, ...]:
    """Who may come in by the network. Raises SettingsInvalid where that cannot be read."""
    from inspan.server.tokens import Tokens

    if not where.tokens.exists():
        return OK, "none; nobody comes in by the network"
    known = Tokens(where.tokens).all()
    over = [token.name for token in known if token.ends is not None and token.ends < time.time()]
    mode = stat.S_IMODE(where.tokens.stat().st_mode)
    return OK, f"{len(known)}, {len(over)} of them over; mode {mode:04o}"


def certificate(_: Places) -> tuple[str, ...]:
    """When it ends, and who can read its key. Raises SettingsInvalid."""
    from inspan.server.certificate import ends_at

    listen = reach.settings().listen
    if listen is None or listen.cert is None:
        return OK, "none; without one only this machine can be served"
    cert, key = Path(listen.cert), Path(listen.key or listen.cert)
    try:
        ends = ends_at(cert)
    except (OSError, ValueError) as error:
        return FAIL, f"{cert} cannot be read: {error}", "The daemon cannot serve the network."
    if stat.S_IMODE(key.stat().st_mode) & 0o077:
        return WARN, f"others can read the key {key}", f"`chmod 600 {key}`, and have it made anew."
    day = time.strftime("%Y-%m-%d", time.localtime(ends))
    if ends < time.time():
        return FAIL, f"{cert} ended on {day}", "Renew it, then `inspan up --restart`."
    if ends < time.time() + _SOON:
        return WARN, f"{cert} ends on {day}", "Renew it, then `inspan up --restart`."
    return OK, f"{cert} holds until {day}"


LOOKS: Final = (sockets, tokens, certificate)
