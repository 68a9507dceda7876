# %% [markdown]
# # A network of your own
#
# A network is a row of data, so a new one is a few lines of YAML: the network it starts from and what it changes. This page
# defines one, draws it and trains it briefly. Commands behind a `$` were run when the page was made.

# %% tags=["parameters"]
corpus = "tunes"
clips_per_class = 8  # of the training on this page: seconds of work, not a result
clip_seconds = 3.0

# %% tags=["remove-cell"]
import contextlib
import io
import sys
import tempfile
from pathlib import Path

import pandas as pd

from bnet.book import myst
from bnet.cli import main
from bnet.models import VARIANTS, drawing
from bnet.models.operations import WORDS
from bnet.models.variants import load

folder = Path(tempfile.mkdtemp(prefix="own-variant-"))


def shell(command: str, expected: int = 0, keep: int = 12) -> None:
    """Run a bnet command in the page's folder, and show it with the last lines that it printed."""
    printed, status, sys.argv = io.StringIO(), 0, command.split()
    with contextlib.chdir(folder), contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            main()
        except SystemExit as end:
            status = end.code or 0
    lines = [line.rstrip() for line in printed.getvalue().splitlines() if line.strip()]
    text = "\n".join(["$ " + command, *lines[-keep:]]).replace(str(folder), "~/mine")
    assert status == expected, text
    myst.text(f"```text\n{text}\n```")


# %% [markdown]
# ## The file
#
# `base` is any network of the table. All other keys replace what the base has.

# %% tags=["remove-input"]
text = """\
- name: tall-and-wide
  base: bbnn
  title: Tall and wide
  branches:
    - norm conv1x1
    - norm conv1x1 norm conv7x1    # seven frames, one mel band: rhythm
    - norm conv1x1 norm conv1x7    # one frame, seven mel bands: harmony
    - pool3x3 norm conv1x1
  blocks: 2
"""
(folder / "mine.yaml").write_text(text)
myst.text(f"```yaml\n{text}```\n\nSave it as `mine.yaml`.")

# %% [markdown]
# ## The words
#
# A chain of operations is read from left to right. `norm` is batch normalisation with the activation after it.


# %% tags=["remove-input"]
def takes(word) -> str:
    parts = ["frames x bands"] * word.size + ["`v` for no padding"] * word.valid + ["`/` stride"] * word.stride
    kind = {"count": "a number", "rate": "a rate"}.get(word.number)
    parts += [f"`:` {kind}, always" if word.needs else "`:` how many"] * bool(kind)
    return ", then ".join(parts) or myst.NOTHING


myst.table(
    pd.DataFrame(
        [[f"`{name}`", word.what, takes(word)] for name, word in WORDS.items()], columns=["Word", "Is", "Takes"]
    ),
    "The words of a chain: `conv3x1` is a convolution over three frames and one band, `dropout:0.4` drops 40 %.",
    "tab-own-variant-words",
)

# %% [markdown]
# ## A look at it

# %% tags=["remove-input"]
row = load(folder / "mine.yaml")["tall-and-wide"]
reference = VARIANTS["bbnn"]
myst.drawing(
    drawing.svg(row, reference=reference),
    "The network of the file above, with its differences from BBNN marked.",
    "fig-own-variant",
    drawing.alt(row, reference=reference),
)

# %% [markdown]
# ## Train it
#
# The same command as for any other network, and the same kind of record. Here with so few clips that it takes seconds and
# is no result; leave out the `--set` options for a real run, and take the same folds for the network it started from.

# %% tags=["remove-input"]
options = f"--set max_per_class={clips_per_class} --set clip_seconds={clip_seconds:g} --set epochs=1"
shell(f"bnet train --corpus {corpus} --variant-file mine.yaml --fold 0 {options} --results records")

# %% [markdown]
# For a result:
#
# ```bash
# bnet train --variant-file mine.yaml --variant bbnn,tall-and-wide --profile laptop --results my-runs
# bnet evaluate --profile laptop --results my-runs --against bbnn
# ```
#
# The last line says whether the network is better than BBNN, by the rule of all verdicts of this book ({doc}`table-2`).
#
# ## When something is wrong
#
# The file is checked before anything starts, and the message says what is possible.

# %% tags=["remove-input"]
(folder / "mine.yaml").write_text(text.replace("conv7x1", "convolve7x1"))
shell(f"bnet train --corpus {corpus} --variant-file mine.yaml", expected=2)

# %% tags=["remove-input"]
(folder / "mine.yaml").write_text(text.replace("blocks: 2", "block: 2"))
shell(f"bnet train --corpus {corpus} --variant-file mine.yaml", expected=2)
