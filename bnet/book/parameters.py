"""How a page begins: its parameters are checked, wherever they came from."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from bnet.book import myst
from bnet.errors import BnetError, unknown

_PLAIN = (str, int, float, bool, type(None), list, tuple, dict)
_IPYTHON = {"In", "Out"}
_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def start_page(namespace: MutableMapping[str, Any], *, page: str, known: Mapping[str, Any]) -> None:
    """Open a page: refuse parameters that it does not declare or that are of another type, tell `bnet.book.myst` where
    it is, and say which values are not the page's own, for its title and labels may speak of those.

    `notebook` puts the call after the ``parameters`` cell and after whatever papermill injects there. At that point the
    only plain values in `namespace` are parameters, so any other name was given by a user who mistyped it.

    Parameters
    ----------
    namespace
        The page's ``globals()``; its parameters are set to values of their defaults' types. A command line gives text:
        ``true``, ``yes``, ``1``, ``false``, ``no`` and ``0``, in any case, are truth values.
    page
        Its name.
    known
        The parameters that it declares, with their defaults.

    Raises
    ------
    BnetError
        For a name that it does not declare, or a value of another type.
    """
    for name, value in namespace.items():
        if isinstance(value, _PLAIN) and not name.startswith("_") and name not in {*_IPYTHON, *known}:
            raise unknown(f"parameter of page {page!r}:", name, known)
    myst.set_page(page)
    for name, default in known.items():
        value = namespace[name] = _typed(page, name, namespace[name], default)
        if value != default:
            print(f"Note: {name} is {value!r} here; page {page!r} was written for {default!r}.")


def _typed(page: str, name: str, value: Any, default: Any) -> Any:
    kind = type(default)
    if kind is bool and str(value).strip().lower() in _TRUTH:
        return _TRUTH[str(value).strip().lower()]
    if kind is float and type(value) is int:
        return float(value)
    if kind in _WORDS and type(value) is not kind:
        raise BnetError(
            f"parameter {name} of page {page!r} is {value!r} ({type(value).__name__}); expected {_WORDS[kind]}, "
            f"such as its default {default!r}"
        )
    return value
