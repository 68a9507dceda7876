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


def typed(page: str, name: str, value: Any, default: Any) -> Any:
    """The value of a page's parameter as the type of its default.

    A command line gives text: ``true``, ``yes``, ``1``, ``false``, ``no`` and ``0``, in any case, are truth values.

    Raises
    ------
    BnetError
        If `value` is of another type.
    """
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


def start_page(
    namespace: MutableMapping[str, Any],
    *,
    page: str,
    known: Mapping[str, Any],
    named_for: Mapping[str, Any] | None = None,
) -> None:
    """Open a page: refuse parameters that it does not declare or that are of another type, and tell
    `bnet.book.myst` where it is.

    `notebook` puts the call after the ``parameters`` cell and after whatever papermill injects there. At that point the
    only plain values in `namespace` are parameters, so any other name was given by a user who mistyped it.

    Parameters
    ----------
    namespace
        The page's ``globals()``; its parameters are set to values of their defaults' types.
    page
        Its name.
    known
        The parameters that it declares, with their defaults.
    named_for
        Values that stand in its title and labels; if the parameters differ from them, it says so.
    """
    for name, value in namespace.items():
        if isinstance(value, _PLAIN) and not name.startswith("_") and name not in {*_IPYTHON, *known}:
            raise unknown(f"parameter of page {page!r}:", name, known)
    namespace.update({name: typed(page, name, namespace[name], default) for name, default in known.items()})
    myst.set_page(page)
    for name, value in (named_for or {}).items():
        if namespace.get(name) != value:
            print(
                f"Note: titles and labels here are those of {name} {value!r}; the results are of {namespace[name]!r}."
            )
