"""Is it the same mathematics? Gradients and statistics, of the lean step and of the plain graph, against float64.

    python benchmarks/equality.py                     all networks that have a lean step: fifteen minutes
    python benchmarks/equality.py -v proposed         chosen ones
    python benchmarks/equality.py --quick             a try

Nothing is timed: other programs may run meanwhile. `tests/test_lean.py` does the same on small inputs.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import typer
from common import Output, Quick, about, in_child, write
from training_step import BANDS, CLASSES, SHORT, STEPS, chosen, inputs

FURTHER, ROUNDING = 1.5, 1e-6
"""How much further from float64 than the plain graph the lean step may be: times, and plus."""
INCOMPARABLE = {"dropout": "draws other numbers in float64; its trunk is that of bbnn"}
"""Networks whose gradients can't be held against float64."""


def distances(variant: str, frames: int, batch: int, draws: int) -> dict[str, Any]:
    """In a process of its own: distances of plain and lean gradients and statistics from a float64 graph.

    Each is relative (L2), one a weight: its median over `draws` batches, for where rounding puts a value on the other
    side of an activation's or a maximum's edge, which happens to both, all gradients of that batch move. Weights whose
    true gradient is zero (biases in front of a normalisation) are left out. ``share_of_allowed`` is the largest of
    lean's distances as a share of what it may be: `FURTHER` times the plain one's, and `ROUNDING`.
    """
    from bnet import backend

    backend.prepare()
    import keras

    from bnet.models import build, get_variant
    from bnet.training import lean

    backend.seed_everything(0)
    row = get_variant(variant)
    network = build(row, CLASSES, frames, BANDS)
    before = network.get_weights()
    keras.config.set_dtype_policy("float64")
    reference = build(row, CLASSES, frames, BANDS)
    keras.config.set_dtype_policy("float32")
    ways = {"plain": (network, network), "lean": (lean.choose(network, row, "lean")[0], network)}
    ways["float64"] = (reference, reference)
    far: dict[str, list] = {step: [] for step in STEPS}
    for seed in range(draws):
        x, y = inputs(frames, batch, seed)
        found = {}
        for step, (model, owner) in ways.items():
            owner.set_weights(before)
            found[step] = learned(model, owner, x.astype(owner.dtype), y)
        true = {path: value for path, value in found["float64"].items() if np.linalg.norm(value) > 1e-9}
        for step, each in far.items():
            each.append([np.linalg.norm(found[step][p] - value) / np.linalg.norm(value) for p, value in true.items()])
    middle = {step: np.median(each, axis=0) for step, each in far.items()}
    answer = {
        f"{step}_{what}": float(of(middle[step]))
        for step in STEPS
        for what, of in (("max", max), ("median", np.median))
    }
    share = float((middle["lean"] / (FURTHER * middle["plain"] + ROUNDING)).max())
    return {
        **answer,
        "weights": len(true),
        "batch": batch,
        "draws": draws,
        "share_of_allowed": share,
        "kept": share <= 1,
    }


def learned(model, owner, x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """Path -> gradient of each trainable weight of `owner`, and each moving statistic after the step of `model`."""
    import keras
    import tensorflow as tf

    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(keras.losses.categorical_crossentropy(y, model(x, training=True)))
    gradients = tape.gradient(loss, [v.value for v in owner.trainable_variables])
    found = {v.path: g.numpy() for v, g in zip(owner.trainable_variables, gradients, strict=True)}
    return found | {v.path: v.numpy() for v in owner.non_trainable_variables if "moving" in v.path}


def main(
    variants: Annotated[str, typer.Option("--variants", "-v", help="Networks with commas, or `all`.")] = "all",
    frames: Annotated[int, typer.Option("--frames", "-f", min=1, help="Frames of a clip.")] = SHORT,
    batch: Annotated[int, typer.Option("--batch", "-b", min=1, help="Clips a batch.")] = 3,
    draws: Annotated[int, typer.Option(min=1, help="Batches; the median over them counts.")] = 9,
    quick: Quick = False,
    output: Output = None,
) -> None:
    """Hold plain and lean gradients and statistics against a float64 graph."""
    started = about(quick)
    if quick:
        variants, frames, batch, draws = "proposed", 108, 1, 1
    found = []
    for name, why in chosen(variants).items():
        if why or name in INCOMPARABLE:
            continue
        one = in_child(distances, name, frames, batch, draws)
        found.append({"variant": name, "frames": frames, **one})
        print(
            f"distance from float64 of {name}, {batch} x {frames} frames, {one['weights']} weights: "
            f"lean {one['lean_median']:.1e} (most {one['lean_max']:.1e}), plain {one['plain_median']:.1e} "
            f"({one['plain_max']:.1e}); {100 * one['share_of_allowed']:.0f} % of what is allowed",
            flush=True,
        )
    limits = {"further": FURTHER, "rounding": ROUNDING, "incomparable": INCOMPARABLE}
    write("equality", started, [], output, networks=found, limits=limits)


if __name__ == "__main__":
    typer.run(main)
