"""What the settings give to new workspaces: ``workspaces`` in ``config.yaml``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from inspan.errors import SettingsInvalid
from inspan.model.outfit import PORTS_MOST, Outfit
from inspan.settings import fields

if TYPE_CHECKING:
    from inspan.settings.lined import Lined


_KNOWN: Final = ("copy", "ports", "setup", "setup_timeout")


def outfit(document: Lined, path: tuple[str, ...], value: Any) -> Outfit:
    """The section as a value. Raises SettingsInvalid, with the line."""
    given = fields.section(document, path, value, _KNOWN)
    changes: dict[str, Any] = {}
    if "copy" in given:
        changes["copy"] = tuple(fields.words(document, (*path, "copy"), given["copy"]))
        for pattern in changes["copy"]:
            _check(document, (*path, "copy"), pattern)
    if "ports" in given:
        ports = given["ports"]
        right = isinstance(ports, int) and not isinstance(ports, bool)
        if not right or not 0 <= ports <= PORTS_MOST:
            raise SettingsInvalid(
                f"{document.at(*path, 'ports')}: workspaces.ports is not from 0 to {PORTS_MOST}",
                hint="It is how many ports each worktree has for its own; 0: none.",
            )
        changes["ports"] = ports
    if "setup" in given:
        changes["setup"] = tuple(fields.words(document, (*path, "setup"), given["setup"]))
        if not all(command.strip() for command in changes["setup"]):
            raise SettingsInvalid(f"{document.at(*path, 'setup')}: an empty command does nothing")
    if "setup_timeout" in given:
        at = (*path, "setup_timeout")
        changes["setup_timeout"] = fields.seconds(document, at, given["setup_timeout"])
    return Outfit(**changes)


def _check(document: Lined, path: tuple[str, ...], pattern: str) -> None:
    if pattern.startswith(("/", ":", "~")) or ".." in pattern.split("/") or "\0" in pattern:
        raise SettingsInvalid(
            f"{document.at(*path)}: {pattern!a} does not lie in a checkout",
            hint="Write it as from the top of the checkout: .env, **/.env or config/*.local.",
        )
