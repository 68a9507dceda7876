"""``bnet export``: a trained network in another form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from bnet import paths
from bnet.cli.options import ResultsOption, say
from bnet.errors import BnetError, unknown
from bnet.runs.records import Record


def _keras(record: Record, target: Path) -> Path:
    from bnet.runs.weights import load_network

    # Keras chooses the form by the end of the name
    temporary = target.with_name(f".{target.name}.part.keras")
    try:
        with paths.disk_errors(str(target)):
            load_network(record).save(temporary)
            temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return target


def _onnx(record: Record, target: Path) -> Path:
    from bnet.deploy.export import to_onnx
    from bnet.runs.weights import load_network

    paths.write_bytes(target, to_onnx(load_network(record)))
    return target


def _litert(record: Record, target: Path) -> Path:
    from bnet.deploy.export import to_litert
    from bnet.runs.weights import load_network

    paths.write_bytes(target, to_litert(load_network(record)))
    return target


def _litert_int8(record: Record, target: Path) -> Path:
    from bnet.deploy.export import agreement, to_litert, training_clips
    from bnet.runs.weights import load_network

    model, clips = load_network(record), training_clips(record)
    say(f"ranges of values from {len(clips)} training clips of {record.config.corpus}")
    content = to_litert(model, clips)
    found = agreement(record, "validation", content)
    paths.write_bytes(target, content)
    say(
        f"on {found['clips']} validation clips: accuracy {found['accuracy']:.3f}, the network itself "
        f"{found['recorded']:.3f}; the same class for {found['same']:.1%} of them"
    )
    return target


def _web(record: Record, target: Path) -> Path:
    from bnet.deploy.web.site import export_web

    return export_web(record, target)


@dataclass(frozen=True)
class Format:
    """A form of a network: what it is, the end of its name (a folder has none), and who writes it."""

    about: str
    suffix: str
    write: Callable[[Record, Path], Path]


FORMATS = {
    "keras": Format("a Keras file, for keras.saving.load_model", ".keras", _keras),
    "onnx": Format("ONNX: log-mels [batch, frames, 128, 1] of any length in, class probabilities out", ".onnx", _onnx),
    "litert": Format("LiteRT (TensorFlow Lite) in float32, in and out as ONNX", ".tflite", _litert),
    "litert-int8": Format(
        "LiteRT in integers of 8 bits, their ranges from training clips of the run's corpus; says what accuracy that "
        "costs on validation clips",
        ".tflite",
        _litert_int8,
    ),
    "web": Format("a folder with the page 'Listen' for this network, for any static host or none", "", _web),
}


def export(
    run: Annotated[
        str, typer.Argument(help="A run's name or folder, or shipped/genres, shipped/proposed or shipped/bbnn.")
    ],
    form: Annotated[
        str, typer.Option("--format", help="; ".join(f"{name}: {f.about}" for name, f in FORMATS.items()) + ".")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File or new folder; else named after the run, here.")
    ] = None,
    results: ResultsOption = None,
) -> None:
    """Write a trained network in another form, for other programs or for a web page of its own.

    What the log-mels are that it takes in is said, and stands in its record (`features`); the page makes them itself.

    Example: bnet export shipped/proposed --format web -o listen-to-mine
    """
    from bnet.deploy.networks import find_run

    if form not in FORMATS:
        raise unknown("format", form, FORMATS)
    record = find_run(results or paths.results_dir(), run)
    chosen = FORMATS[form]
    target = output or Path(record.name + chosen.suffix)
    if target.exists():
        raise BnetError(f"{target} is there already; expected a new name; give another with -o, or remove it")
    if chosen.suffix and target.suffix != chosen.suffix:
        raise BnetError(f"a file of format {form} ends with {chosen.suffix}; got {target}; give such a name with -o")
    paths.writable_dir(target.absolute().parent, "output", "-o")
    say(f"network: {record.config.corpus}/{record.name}, windows of {record.config.training.clip_seconds:g} s")
    say(f"takes in {record.front_end.about}")
    print(chosen.write(record, target))
