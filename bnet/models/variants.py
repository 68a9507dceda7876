"""The networks as a table, ``variants.yaml``, and networks of your own, from a file of the same form.

Each entry of such a file names a network to start from and what it changes:

    - name: wide-proposed
      base: proposed
      filters: 48
    - name: small-kernels
      base: wide-proposed          # a network of the table, or of the same file
      branches: [norm conv1x1, norm conv1x1 norm conv3x3, pool3x3 norm conv1x1]

The fields are those of `bnet.models.Variant`; chains are written in the words of `bnet.models.operations`. A dense
softmax layer over the classes always closes a network. `bnet.models.builder` turns a variant into a Keras model.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from bnet.errors import BnetError, unknown
from bnet.models.shapes import sections
from bnet.models.variant import ARCHITECTURE_FIELDS, Decision, Variant

ROOT = "bbnn"
"""The network that an entry starts from where it names no base."""
_TEXTS = ("title", "source", "section", "change", "hope")
_NUMBERS = {"blocks": int, "filters": int, "label_smoothing": float}
FIELDS = ("name", "base", *_TEXTS, *ARCHITECTURE_FIELDS)
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def load(path: str | Path, taken: Iterable[str] = ()) -> dict[str, Variant]:
    """Read networks of your own.

    Parameters
    ----------
    path
        A YAML file: one mapping, or a list of mappings, with ``name``, ``base`` (`bbnn` where it is left out) and the
        fields that differ from the base.
    taken
        Names that may not be used, besides those of the table.

    Returns
    -------
    dict
        Name -> variant, in the file's order.

    Raises
    ------
    BnetError
        If the file can't be read, or a network in it is not possible: an unknown field or operation (names the
        nearest), a value of a wrong type, a base that does not exist or goes in a circle, a name that is taken, a
        network too deep for its bands.
    """
    path = Path(path)
    entries = [_checked(entry, f"{path}, network {number}") for number, entry in enumerate(_entries(path), 1)]
    names = [entry["name"] for entry in entries]
    used = {*VARIANTS, *taken}
    for number, name in enumerate(names):
        if name in used or name in names[:number]:
            raise BnetError(f"{path}: the name {name!r} is taken; choose another (taken: {', '.join(sorted(used))})")
    variants = _variants(entries, path, VARIANTS)
    for variant in variants.values():
        try:
            sections(variant)
        except BnetError as error:
            raise BnetError(f"{path}: {error}") from error
    return variants


def _entries(path: Path) -> list[dict[str, Any]]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
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
    return entries


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
    chains = "a list of chains" if key == "branches" else "a list (one entry per block) of lists of chains"
    if key in _NUMBERS:
        kinds = (int, float) if _NUMBERS[key] is float else (int,)
        right = isinstance(value, kinds) and not isinstance(value, bool)
        expected = "a number" if _NUMBERS[key] is float else "a whole number"
    elif key in ("branches", "later_branches"):
        lists = [value] if key == "branches" else value
        right = isinstance(lists, list) and all(map(_is_chains, lists))
        expected = f"{chains}, such as [norm conv1x1, norm conv1x1 norm conv3x3]"
    else:
        right, expected = isinstance(value, str), "a text (put quotes around it)"
    if not right:
        raise BnetError(f"{where}: {key} is {value!r}; expected {expected}")
    return _NUMBERS.get(key, lambda same: same)(value)


def _is_chains(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(chain, str) for chain in value)


def _variants(entries: list[dict[str, Any]], path: Path, known: Mapping[str, Variant]) -> dict[str, Variant]:
    """The variants of entries: each its base's, `known` or of the same file, with the changes."""
    own = {entry["name"]: entry for entry in entries}

    def variant(name: str, behind: tuple[str, ...] = ()) -> Variant:
        if name not in own:
            if name not in known:
                raise unknown(f"base of {behind[-1]!r} in {path}:", name, [*known, *own])
            return known[name]
        if name in behind:
            circle = " -> ".join((*behind, name))
            raise BnetError(f"{path}: bases go in a circle: {circle}; start from one of the table")
        changes = {"title": name, "source": "", **dict.fromkeys(_TEXTS[2:], ""), "decisions": (), **own[name]}
        base = changes.pop("base", ROOT)
        if name == ROOT:
            return Variant(**changes)
        changes["source"] = changes["source"] or f"{path.name}, from {base}"
        return dataclasses.replace(variant(base, (*behind, name)), **changes)

    return {name: variant(name) for name in own}


def _table() -> dict[str, Variant]:
    path = Path(__file__).with_name("variants.yaml")
    decided = [{**entry, "decisions": _decisions(entry)} for entry in _entries(path)]
    return _variants(decided, path, {})


def _decisions(entry: Mapping[str, Any]) -> tuple[Decision, ...]:
    return tuple(Decision(**decision) for decision in entry.get("decisions", ()))


VARIANTS: dict[str, Variant] = _table()
TABLE_3 = tuple(name for name, variant in VARIANTS.items() if "Table III, row" in variant.source)
"""The variations of BBNN, in the order of the paper's Table III."""
STEPS = ("remove-3x3", "step-2", "step-3", "step-4", "proposed")
"""From BBNN to the proposed network, one change per step, cumulative (section II-A, changes 1 to 5); the fifth, the
factorised 3x3, gives `proposed` itself."""


def get_variant(name: str) -> Variant:
    """The variant called `name`; a `BnetError` that lists the known ones otherwise."""
    if name not in VARIANTS:
        raise unknown("network", name, VARIANTS)
    return VARIANTS[name]


def decisions() -> pd.DataFrame:
    """What the paper leaves open or says in two ways, and what we do.

    Returns
    -------
    pandas.DataFrame
        One row per decision: ``variant, title, what, choice, reason, source``. Those of BBNN hold for all its
        variations too.
    """
    lines = [
        {"variant": variant.name, "title": variant.title, **decision._asdict()}
        for variant in VARIANTS.values()
        for decision in variant.decisions
    ]
    return pd.DataFrame(lines, columns=["variant", "title", *Decision._fields])
