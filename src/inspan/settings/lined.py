"""YAML with line numbers: plain values, and the line on which each of them was written.

Only what ``yaml.safe_load`` makes is made; a key twice in one mapping, and a document that unfolds
to more than it shows, are refused. It never knows what the keys mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from inspan.errors import BadInput
from inspan.model.value import field, value

if TYPE_CHECKING:
    import yaml

Path: TypeAlias = tuple[str | int, ...]

#: Aliases let a small file unfold without end ("billion laughs").
_NODES_MOST: Final = 200_000
_DEPTH_MOST: Final = 50


@value(frozen=True)
class Lined:
    """A value and the lines of its parts; a part is named by the keys that lead to it."""

    value: Any
    source: str
    lines: dict[Path, int] = field(default_factory=dict)

    def at(self, *path: str | int) -> str:
        """``file:line`` of a part, or of the nearest thing around it."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return f"{self.source}:{self.lines[path[:end]]}"
        return self.source


def read(text: str, source: str) -> Lined:
    """The one document in ``text``. Raises BadInput with the line."""
    import yaml  # noqa: PLC0415 - costs 20 ms that most commands need not pay

    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is None:
            return Lined(None, source)
        lines: dict[Path, int] = {}
        _walk(node, (), lines, source, yaml.MappingNode)
        value = yaml.SafeLoader("").construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{source}:{mark.line + 1}" if mark else source
        raise BadInput(f"{where}: {error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise BadInput(f"{source}: {' '.join(str(error).split())}") from error
    return Lined(value, source, lines)


def _walk(node: yaml.Node, path: Path, lines: dict[Path, int], source: str, mappings: type) -> None:
    line = node.start_mark.line + 1
    lines[path] = line
    if len(lines) > _NODES_MOST or len(path) > _DEPTH_MOST:
        raise BadInput(f"{source}:{line}: the document unfolds to too much")
    if isinstance(node.value, str):
        node.value = _whole(node.value, f"{source}:{line}")
        return
    mapping = isinstance(node, mappings)
    for index, item in enumerate(node.value):
        if not mapping:
            _walk(item, (*path, index), lines, source, mappings)
            continue
        key, inner = item
        if isinstance(key.value, str):
            key.value = _whole(key.value, f"{source}:{key.start_mark.line + 1}")
        name = str(key.value)
        if (*path, name) in lines:
            raise BadInput(f"{source}:{key.start_mark.line + 1}: {name!r} is there twice")
        _walk(inner, (*path, name), lines, source, mappings)
        lines[(*path, name)] = key.start_mark.line + 1


def _whole(text: str, where: str) -> str:
    """``text`` with its surrogate pairs joined: JSON writes what is beyond 16 bits as two."""
    try:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError as error:
        raise BadInput(f"{where}: half a character is escaped here") from error
