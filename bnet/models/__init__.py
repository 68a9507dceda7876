"""Networks: a variant is a network as a row of data, `VARIANTS` the table of them; `build` makes the Keras model."""

from bnet.models.variants import STEPS, TABLE_3, VARIANTS, Decision, Variant, decisions, get_variant

__all__ = [
    "STEPS",
    "TABLE_3",
    "VARIANTS",
    "Decision",
    "Variant",
    "build",
    "decisions",
    "get_variant",
    "load_published_bbnn",
]


def __getattr__(name: str):
    """Import Keras only when a model is really wanted: the table alone is light."""
    if name == "build":
        from bnet.models.builder import build

        return build
    if name == "load_published_bbnn":
        from bnet.models.published import load_published_bbnn

        return load_published_bbnn
    raise AttributeError(f"module 'bnet.models' has no attribute {name!r}")
