"""``bnet predict`` and ``bnet export``: sound files through a trained network, and the network in other forms."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, TextIO

import numpy as np
import typer
from tqdm import tqdm

from bnet import paths
from bnet.cli import options
from bnet.deploy.predict import Classifier, Failure, Prediction, predict_files, sound_files
from bnet.errors import BnetError, say, unknown
from bnet.runs.records import Record


def predict(
    files: Annotated[
        list[Path], typer.Argument(help="Sound files (WAV, FLAC, MP3, OGG, ...), or folders: all sound files below.")
    ],
    run: Annotated[
        str | None,
        typer.Option(
            "--run",
            help="A run's name or folder; shipped/proposed and shipped/bbnn name dances. [default: shipped/genres]",
        ),
    ] = None,
    hop: Annotated[float, typer.Option(help="Seconds between windows.")] = 1.0,
    windows: Annotated[bool, typer.Option("--windows", help="Also print every window.")] = False,
    results: options.Results = None,
    as_json: options.Json = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print CSV: a line a file as it is done; with --windows, a line a window.")
    ] = False,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", help="Threads that decode sound ahead [default: one a core].")
    ] = None,
    progress: Annotated[
        bool | None, typer.Option(help="A bar on standard error [default: on a terminal, for more than one file].")
    ] = None,
) -> None:
    """Classify sound files with a trained run: class probabilities over windows, and their average.

    Answers come in the order of the files, folders in that of their names, while the next files are decoded; memory
    does not grow with their number or length. Silent windows have no vote. A file or folder that can't be used is
    named, the others are still done; the exit status is then 2.

    Examples:

      bnet predict reel.mp3 --run proposed-grouped-0-smoke

      bnet predict ~/music --csv > answers.csv
    """
    from bnet.deploy import networks

    if as_json and as_csv:
        raise BnetError("--json and --csv at once; expected one of them")
    (todo, unusable), screen = sound_files(files), _screen()
    record = networks.find_run(results, run)
    classify = Classifier(record)
    print(
        f"network: {record.config.corpus}/{record.name}, windows of {record.config.training.clip_seconds:g} s",
        file=screen,
    )
    print(f"It takes in {record.front_end.about}.", file=screen)
    if record.folder.is_relative_to(networks.SHIPPED):
        print(f"This network comes with bnet, {networks.LIMITS[record.config.corpus]}.", file=screen)
    hidden = not progress if progress is not None else (len(todo) < 2 or None)  # None: unless it is a terminal
    bar = tqdm(total=len(todo), desc="files", unit="file", disable=hidden, file=screen, leave=False)
    table, answers = csv.writer(sys.stdout, lineterminator="\n"), []
    if as_csv:
        table.writerow(["path", *(["start_s"] if windows else []), "label", *record.labels])
    for failure in unusable:
        print(f"bnet: {failure.reason}", file=screen)
    failed, done, status = len(unusable), 0, 0
    try:
        for answer in predict_files(classify, todo, hop, jobs):
            with tqdm.external_write_mode(screen):
                if isinstance(answer, Failure):
                    failed += 1
                    print(f"bnet: {answer.reason}", file=screen)
                else:
                    if as_json:
                        answers.append(_described(answer, windows))
                    elif as_csv:
                        table.writerows(_rows(answer, windows))
                    else:
                        print("\n".join(_lines(answer, windows)))
                    sys.stdout.flush()
                    if answer.silent:
                        print(f"{answer.path}: {answer.silent} silent windows have no vote", file=screen)
            done += 1
            bar.update()
        status = 2 if failed else 0
    except KeyboardInterrupt:
        print(f"bnet: interrupted after {done} of {len(todo)} files; what was printed holds", file=screen)
        status = 130
    finally:
        bar.close()
    if as_json:
        print(json.dumps({"run": record.name, "files": answers}, indent=1, ensure_ascii=False))
    if status:
        raise typer.Exit(status)


def _screen() -> TextIO:
    """Standard error by a way of its own: file descriptor 2 is shut now and then, while decoders talk to it."""
    try:
        return os.fdopen(os.dup(sys.stderr.fileno()), "w", buffering=1, encoding="utf-8", errors="backslashreplace")
    except (OSError, io.UnsupportedOperation):  # no terminal, file or pipe: captured
        return sys.stderr


def _named(labels: list[str], row: np.ndarray) -> dict[str, float]:
    return {label: round(float(p), 4) for label, p in zip(labels, row, strict=True)}


def _lines(answer: Prediction, windows: bool) -> Iterator[str]:
    ranked = sorted(zip(answer.labels, answer.mean, strict=True), key=lambda pair: -pair[1])
    yield f"{answer.path}: {answer.label}  " + "  ".join(f"{label} {p:.2f}" for label, p in ranked)
    for start, row in zip(answer.starts, answer.probabilities, strict=True) if windows else ():
        yield f"  {start:6.1f} s  {answer.labels[row.argmax()]} {row.max():.2f}"


def _rows(answer: Prediction, windows: bool) -> Iterator[list]:
    if not windows:
        yield [answer.path, answer.label, *_named(answer.labels, answer.mean).values()]
    for start, row in zip(answer.starts, answer.probabilities, strict=True) if windows else ():
        yield [answer.path, f"{start:g}", answer.labels[row.argmax()], *_named(answer.labels, row).values()]


def _described(answer: Prediction, windows: bool) -> dict[str, Any]:
    found = {"path": answer.path, "label": answer.label, "probabilities": _named(answer.labels, answer.mean)}
    if answer.silent:
        found["silent_windows"] = answer.silent
    if windows:
        found["windows"] = [
            {"start": float(start), "probabilities": _named(answer.labels, row)}
            for start, row in zip(answer.starts, answer.probabilities, strict=True)
        ]
    return found


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
        f"{found['recorded']:.3f}; the same class for {100 * found['same']:.1f} % of them"
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
    data: options.Data = None,
    partial: options.Partial = False,
) -> None:
    """Write a trained network in another form, for other programs or for a web page of its own.

    What the log-mels are that it takes in is said, and stands in its record (`features`); the page makes them itself.

    Example: bnet export shipped/proposed --format web -o listen-to-mine
    """
    from bnet.deploy.networks import find_run

    if form not in FORMATS:
        raise unknown("format", form, FORMATS)
    record, (_, suffix) = find_run(results, run), FORMATS[form]
    target = output or Path(record.name + suffix)
    if target.exists():
        raise BnetError(f"{target} is there already; expected a new name; give another with -o, or remove it")
    if suffix and target.suffix != suffix:
        raise BnetError(f"a file of format {form} ends with {suffix}; got {target}; give such a name with -o")
    paths.writable_dir(target.absolute().parent, "output", "-o")
    say(f"network: {record.config.corpus}/{record.name}, windows of {record.config.training.clip_seconds:g} s")
    say(f"takes in {record.front_end.about}")
    say(f"gives the probabilities of {', '.join(record.labels)}, in this order")
    if form == "web":
        from bnet.deploy.web.site import write_page

        with paths.whole_folder(target) as folder:
            write_page([record], folder)
    else:
        paths.write_bytes(target, _content(record, form))
    print(target / "index.html" if form == "web" else target)
