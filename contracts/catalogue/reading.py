"""Reading one file of the catalogue, so that every fault can name the file, the line and the place in it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
import yaml

T = TypeVar("T")
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's, where PyYAML was built with it: a tenth of the time, of which every service has some at its start."""
Place = tuple[str | int, ...]
"""Keys and list positions that lead to a value, e.g. `("fees", 0, "amount")`."""


class Fault(NamedTuple):
    """What is wrong at one place of a file, and what to do."""

    place: Place
    message: str


class CatalogueError(ValueError):
    """Files of the catalogue are wrong; the message has a line for each fault, naming file, place and what to do."""


class Entry(Generic[T]):
    """One file: its content `value` as a `T`, and where in the text each part of it stands."""

    def __init__(self, path: Path, kind: type[T]) -> None:
        """Read `path`. Raises `CatalogueError` when it cannot be read, is no YAML, or does not fit `kind`."""
        self.path = path
        self._root: yaml.Node | None = None
        try:
            self._root = yaml.compose(path.read_text(encoding="utf-8"), Loader=_LOADER)
        except OSError as error:
            raise CatalogueError(f"{self.name}: cannot be read ({error.strerror})") from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise CatalogueError(f"{self.name}: is not YAML in UTF-8: {' '.join(str(error).split())}") from error
        if self._root is None:
            raise CatalogueError(f"{self.name}: is empty")
        self.refuse(list(_repeated_keys(self._root, ())))
        self.raw: Any = yaml.constructor.SafeConstructor().construct_document(self._root)
        self.refuse([fault for place, words in bilingual(self.raw) for fault in _language_faults(place, words)])
        try:
            self.value = msgspec.convert(self.raw, kind)
        except msgspec.ValidationError as error:
            self.refuse([_schema_fault(str(error))])

    @property
    def name(self) -> str:
        """The file as its author knows it: folder and file name."""
        return f"{self.path.parent.name}/{self.path.name}"

    def describe(self, fault: Fault) -> str:
        """The fault as one line: file, line number, place, message."""
        line = f", line {self._line(fault.place)}"
        place = f", {_dotted(fault.place)}" if fault.place else ""
        return f"{self.name}{line}{place}: {fault.message}"

    def refuse(self, faults: list[Fault]) -> None:
        """Raise `CatalogueError` when there are faults."""
        if faults:
            raise CatalogueError("\n".join(self.describe(fault) for fault in faults))

    def _line(self, place: Place) -> int:
        """Line of the value at `place`, or of the innermost part of the way to it that exists."""
        node = self._root
        for step in place:
            inner = _child(node, step)
            if inner is None:
                break
            node = inner
        return 1 if node is None else node.start_mark.line + 1


def _child(node: yaml.Node | None, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step]  # type: ignore[no-any-return]
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in reversed(node.value) if key.value == step), None)
    return None


def _repeated_keys(node: yaml.Node, place: Place) -> Iterator[Fault]:
    """YAML readers keep the last of several equal keys and say nothing; here the others would be lost unseen."""
    if isinstance(node, yaml.SequenceNode):
        for position, item in enumerate(node.value):
            yield from _repeated_keys(item, (*place, position))
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                yield Fault((*place, key.value), "stands here twice; keep one")
            seen.add(key.value)
            yield from _repeated_keys(value, (*place, key.value))


def bilingual(raw: Any, place: Place = ()) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Every text under `raw`, with its place: each mapping that has a key `id` or `en`."""
    if isinstance(raw, dict):
        if "id" in raw or "en" in raw:
            yield place, raw
        else:
            for key, value in raw.items():
                yield from bilingual(value, (*place, str(key)))
    if isinstance(raw, list):
        for position, value in enumerate(raw):
            yield from bilingual(value, (*place, position))


def _language_faults(place: Place, words: dict[str, Any]) -> Iterator[Fault]:
    for language in ("id", "en"):
        if language not in words:
            yield Fault(place, f"has no words in `{language}`; every text is needed in `id` and `en`")
        elif not isinstance(words[language], str):
            yield Fault((*place, language), f"is {words[language]!r} and not words; put it in quotation marks")
        elif not words[language].strip():
            yield Fault((*place, language), "is empty; every text is needed in `id` and `en`")
    for key in words.keys() - {"id", "en"}:
        yield Fault((*place, str(key)), "is no language of the catalogue; texts have `id` and `en` only")


def _schema_fault(message: str) -> Fault:
    """The message and path of msgspec (`… - at `$.fees[0].amount``) as a fault at a place."""
    text, _, path = message.partition(" - at ")
    steps = re.findall(r"\.([\w-]+)|\[(\d+)\]", path.partition("$")[2])
    return Fault(tuple(key or int(position) for key, position in steps), text.replace("Object contains", "has the"))


def _dotted(place: Place) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return text.removeprefix(".")
