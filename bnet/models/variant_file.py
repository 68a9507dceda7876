"""Networks of one's own, from a YAML file: each names a network to start from and what it changes.

    - name: wide-proposed
      base: proposed
      filters: 48
    - name: small-kernels
      base: wide-proposed          # a network of the table, or of the same file
      branches: [norm conv1x1, norm conv1x1 norm conv3x3, pool3x3 norm conv1x1]

The fields are those of `bnet.models.Variant`; chains are written in the words of `bnet.models.language`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from bnet.errors import BnetError, unknown
from bnet.models.shapes import N_MELS, check
from bnet.models.variant import ARCHITECTURE_FIELDS, Variant
from bnet.models.variants import VARIANTS

_TEXTS = ("title", "source", "section", "change", "hope")
_CHAIN_LISTS = ("branches", "later_branches")
_NUMBERS = {"blocks": int, "filters": int, "label_smoothing": float}
FIELDS = ("name", "base", *_TEXTS, *ARCHITECTURE_FIELDS)
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def load(path: str | Path, frames: int | None = None, taken: Iterable[str] = ()) -> dict[str, Variant]:
    """Read networks of one's own.

    Parameters
    ----------
    path
        A YAML file: one mapping, or a list of mappings, with ``name``, ``base`` (`bbnn` where it is left out) and the
        fields that differ from the base.
    frames
        Frames of the clips that they will see, to refuse a network that is too deep for them; None: not checked.
    taken
        Names that may not be used, besides those of the table.

    Returns
    -------
    dict
        Name -> row, in the file's order.

    Raises
    ------
    BnetError
        If the file can't be read, or a network in it is not possible: an unknown field or operation (names the
        nearest), a value of a wrong type, a base that does not exist or goes in a circle, a name that is taken, a
        network too deep for its input.
    """
    path = Path(path)
    entries = _entries(path)
    names = [entry["name"] for entry in entries]
    used = {*VARIANTS, *taken}
    for number, name in enumerate(names):
        if name in used or name in names[:number]:
            raise BnetError(f"{path}: the name {name!r} is taken; choose another (taken: {', '.join(sorted(used))})")
    own = dict(zip(names, entries, strict=True))
    rows = {name: _row(name, own, path) for name in names}
    for row in rows.values():
        try:
            check(row, frames, N_MELS)
        except BnetError as error:
            raise BnetError(f"{path}: {error}") from error
    return rows


def _entries(path: Path) -> list[dict[str, Any]]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BnetError(f"cannot read the variant file {path} ({error.strerror or error})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BnetError(f"the variant file {path} is not YAML: {' '.join(str(error).split())}") from error
    entries = content if isinstance(content, list) else [content]
    if not entries or not all(isinstance(entry, dict) for entry in entries):
        raise BnetError(
            f"the variant file {path} holds {type(content).__name__ if content is not None else 'nothing'}; expected a "
            "mapping with name, base and changed fields, or a list of such mappings"
        )
    return [_checked(entry, f"{path}, network {number}") for number, entry in enumerate(entries, 1)]


def _checked(entry: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The entry, its keys known and its values of the right types."""
    for key in entry:
        if key not in FIELDS:
            raise unknown(f"field in {where}:", key, FIELDS)
    name = entry.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BnetError(f"{where}: the name is {name!r}; expected small letters and digits with single hyphens between")
    return {key: _typed(key, value, f"{where} ({name})") for key, value in entry.items()}


def _typed(key: str, value: Any, where: str) -> Any:
    if key in _NUMBERS:
        kinds = (int, float) if _NUMBERS[key] is float else (int,)
        if isinstance(value, kinds) and not isinstance(value, bool):
            return _NUMBERS[key](value)
        expected = "a number" if _NUMBERS[key] is float else "a whole number"
    elif key in _CHAIN_LISTS:
        if _is_chains(value) if key == "branches" else isinstance(value, list) and all(map(_is_chains, value)):
            return value
        expected = "a list of chains" if key == "branches" else "a list (one entry a block) of lists of chains"
        expected += ", such as [norm conv1x1, norm conv1x1 norm conv3x3]"
    else:
        if isinstance(value, str):
            return value
        expected = "a text (put quotes around it)"
    raise BnetError(f"{where}: {key} is {value!r}; expected {expected}")


def _is_chains(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(chain, str) for chain in value)


def _row(name: str, own: Mapping[str, Mapping[str, Any]], path: Path, behind: tuple[str, ...] = ()) -> Variant:
    """The row of an entry: its base's, with the changes."""
    if name not in own:
        if name not in VARIANTS:
            raise unknown(f"base of {behind[-1]!r} in {path}:", name, [*VARIANTS, *own])
        return VARIANTS[name]
    if name in behind:
        raise BnetError(f"{path}: bases go in a circle: {' -> '.join((*behind, name))}; start from one of the table")
    entry = own[name]
    base = entry.get("base", "bbnn")
    changes = {key: value for key, value in entry.items() if key != "base"}
    texts = {"title": name, "source": f"{path.name}, from {base}", **dict.fromkeys(_TEXTS[2:], ""), "decisions": ()}
    return dataclasses.replace(_row(base, own, path, (*behind, name)), **{**texts, **changes})
