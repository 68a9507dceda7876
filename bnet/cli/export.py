"""``bnet export``: a trained network in another form."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bnet import paths
from bnet.cli import options
from bnet.cli.options import say
from bnet.errors import BnetError, unknown
from bnet.runs.records import Record

FORMATS = {
    "keras": ("a Keras file, for keras.saving.load_model", ".keras"),
    "onnx": ("ONNX: log-mels [batch, frames, 128, 1] of any length in, class probabilities out", ".onnx"),
    "litert": ("LiteRT (TensorFlow Lite) in float32, in and out as ONNX", ".tflite"),
    "litert-int8": (
        "LiteRT in integers of 8 bits, their ranges from training clips of the run's corpus; says what accuracy that "
        "costs on validation clips",
        ".tflite",
    ),
    "web": ("a folder with the page 'Listen' for this network, for any static host or none", ""),
}
"""What a form of a network is, and the end of its name (a folder has none)."""


def _content(record: Record, form: str) -> bytes:
    """The network of a run in a form that is one file."""
    from bnet.deploy import export as forms
    from bnet.runs.weights import load_network

    model = load_network(record)
    if form != "litert-int8":
        return {"keras": forms.to_keras, "onnx": forms.to_onnx, "litert": forms.to_litert}[form](model)
    clips = forms.training_clips(record)
    say(f"ranges of values from {len(clips)} training clips of {record.config.corpus}")
    content = forms.to_litert(model, clips)
    found = forms.agreement(record, "validation", content)
    say(
        f"on {found['clips']} validation clips: accuracy {found['accuracy']:.3f}, the network itself "
        f"{found['recorded']:.3f}; the same class for {found['same']:.1%} of them"
    )
    return content


def export(
    run: Annotated[
        str, typer.Argument(help="A run's name or folder, or shipped/genres, shipped/proposed or shipped/bbnn.")
    ],
    form: Annotated[
        str, typer.Option("--format", help="; ".join(f"{name}: {about}" for name, (about, _) in FORMATS.items()) + ".")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File or new folder; else named after the run, here.")
    ] = None,
    results: options.Results = None,
) -> None:
    """Write a trained network in another form, for other programs or for a web page of its own.

    What the log-mels are that it takes in is said, and stands in its record (`features`); the page makes them itself.

    Example: bnet export shipped/proposed --format web -o listen-to-mine
    """
    from bnet.deploy.networks import find_run

    if form not in FORMATS:
        raise unknown("format", form, FORMATS)
    record, (_, suffix) = find_run(results or paths.results_dir(), run), FORMATS[form]
    target = output or Path(record.name + suffix)
    if target.exists():
        raise BnetError(f"{target} is there already; expected a new name; give another with -o, or remove it")
    if suffix and target.suffix != suffix:
        raise BnetError(f"a file of format {form} ends with {suffix}; got {target}; give such a name with -o")
    paths.writable_dir(target.absolute().parent, "output", "-o")
    say(f"network: {record.config.corpus}/{record.name}, windows of {record.config.training.clip_seconds:g} s")
    say(f"takes in {record.front_end.about}")
    if form == "web":
        from bnet.deploy.web.site import export_web

        export_web(record, target)
    else:
        paths.write_bytes(target, _content(record, form))
    print(target / "index.html" if form == "web" else target)
