"""What a corpus that nobody has run would take: arithmetic on measured figures."""

from __future__ import annotations

import math

import pandas as pd

from bnet.errors import BnetError
from bnet.sound.log_mel import FeatureSettings
from bnet.training.config import Training


def estimate(
    clips: int,
    training: Training,
    *,
    steps_per_s: float,
    clips_per_s: float,
    machines: int = 1,
    runs: int = 10,
    memory: dict[str, float] | None = None,
) -> pd.DataFrame:
    """What a corpus of `clips` clips would take on one machine such as was measured, and on several.

    Parameters
    ----------
    clips, training
        Number of clips, of which 8 in 10 are trained on, and how they are trained on.
    steps_per_s, clips_per_s
        Measured: training steps, and clips whose log-mels are extracted, a second on a machine.
    machines, runs
        How many machines share the work, and the folds of one network.
    memory
        Measured memory in bytes, by what took it: a row each.

    Returns
    -------
    pandas.DataFrame
        One row per quantity: ``what, unit, one_machine, several``: the most that one of `machines` has to bear, or the
        hours until all have ended.

    Raises
    ------
    BnetError
        If a number is not above 0.
    """
    given = {"clips": clips, "steps_per_s": steps_per_s, "clips_per_s": clips_per_s, "machines": machines, "runs": runs}
    for name, value in given.items():
        if not value > 0:
            raise BnetError(f"{name} is {value}; expected more than 0")
    shard = math.ceil(clips / machines)
    steps = training.epochs * math.ceil(clips * 0.8 / training.batch_size)
    hours, front_end = steps / steps_per_s / 3600, FeatureSettings()
    size = 4 * front_end.frames(training.clip_seconds) * front_end.n_mels
    reading = steps_per_s * training.batch_size * size / 2**20
    rows = [
        ("features on disk", "GiB", clips * size / 2**30, shard * size / 2**30),
        ("feature extraction", "hours", clips / clips_per_s / 3600, shard / clips_per_s / 3600),
        ("training steps of a run", "steps", steps, steps),
        ("one run, all epochs", "hours", hours, hours),
        (f"{runs} runs, all epochs", "hours", runs * hours, math.ceil(runs / machines) * hours),
        ("features read while training", "MiB/s", reading, reading),
    ]
    rows += [(f"memory of {what}", "GiB", size / 2**30, size / 2**30) for what, size in (memory or {}).items()]
    table = pd.DataFrame(rows, columns=["what", "unit", "one_machine", "several"])
    return table.astype({"one_machine": float, "several": float})
