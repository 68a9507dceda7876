"""``bnet predict``, ``bnet networks``, ``bnet summary`` and ``bnet doctor``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from bnet import paths
from bnet.cli.options import JsonOption, ResultsOption, say, show
from bnet.cli.own import VariantFileOption, own_variants
from bnet.errors import BnetError


def predict(
    files: Annotated[list[Path], typer.Argument(help="Sound files: WAV, FLAC, MP3, OGG, ...")],
    run: Annotated[
        str | None,
        typer.Option(
            "--run", help="A run's name or folder, or shipped/proposed or shipped/bbnn; else the best trained here."
        ),
    ] = None,
    hop: Annotated[float, typer.Option(help="Seconds between windows.")] = 1.0,
    windows: Annotated[bool, typer.Option("--windows", help="Also print every window.")] = False,
    results: ResultsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Classify sound files with a trained run: class probabilities over windows, and their average.

    A file that can't be used is named, the others are still done; the exit status is then 2.

    Example: bnet predict reel.mp3 --run proposed-grouped-0-smoke
    """
    from bnet import predict as prediction
    from bnet import weights

    record = prediction.find_run(results or paths.results_dir(), run)
    model = prediction.load_network(record)
    say(f"network: {record.config.corpus}/{record.name}, windows of {record.config.clip_seconds:g} s")
    if record.folder.is_relative_to(weights.SHIPPED):
        say(f"This network comes with bnet, {weights.LIMITS}.")
    failed, answers = 0, []
    for path in files:
        try:
            answer = prediction.predict_file(model, record, path, hop)
        except BnetError as error:
            failed += 1
            say(f"bnet: {error}")
            continue
        answers.append(_answer(answer, windows))
        if not as_json:
            _print_answer(answers[-1])
    if as_json:
        print(json.dumps({"run": record.name, "files": answers}, indent=1, ensure_ascii=False))
    if failed:
        raise typer.Exit(2)


def _answer(answer, windows: bool) -> dict[str, Any]:
    def named(row) -> dict[str, float]:
        return {label: round(float(p), 4) for label, p in zip(answer.labels, row, strict=True)}

    result = {"path": answer.path, "label": answer.label, "probabilities": named(answer.mean)}
    if windows:
        pairs = zip(answer.starts, answer.probabilities, strict=True)
        result["windows"] = [{"start": float(start), "probabilities": named(row)} for start, row in pairs]
    return result


def _print_answer(answer: dict[str, Any]) -> None:
    ranked = sorted(answer["probabilities"].items(), key=lambda item: -item[1])
    print(f"{answer['path']}: {answer['label']}  " + "  ".join(f"{label} {p:.2f}" for label, p in ranked))
    for window in answer.get("windows", []):
        label, p = max(window["probabilities"].items(), key=lambda item: item[1])
        print(f"  {window['start']:6.1f} s  {label} {p:.2f}")


def networks(
    classes: Annotated[int, typer.Option(help="Number of classes.")] = 10,
    seconds: Annotated[float, typer.Option(help="Length of a clip.")] = 30.0,
    variant_file: VariantFileOption = None,
    decisions: Annotated[
        bool, typer.Option("--decisions", help="Instead: what the paper leaves open, and what we do.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """The networks: what each changes, its parameters, and multiply-adds and memory of activations for one clip.

    Examples:

      bnet networks --seconds 10

      bnet networks --variant-file mine.yaml
    """
    from bnet import models

    if decisions:
        show(models.decisions(), as_json)
        return
    from bnet import backend
    from bnet.audio import frames

    backend.prepare()
    from bnet.models.cost import table

    show(table([*models.VARIANTS.values(), *own_variants(variant_file).values()], classes, frames(seconds)), as_json)


def summary(
    variant: Annotated[str | None, typer.Argument(help="Network; without it, a table of all.")] = None,
    classes: Annotated[int, typer.Option(help="Number of classes.")] = 10,
    frames: Annotated[int, typer.Option(help="Frames of the log-mel (646 for 30 s).")] = 646,
    variant_file: VariantFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """The networks: parameters of all, or the layers of one."""
    from bnet import backend

    backend.prepare()
    if variant is None:
        from bnet import tables

        show(tables.parameters(classes), as_json)
        return
    from bnet.models import build

    model = build(own_variants(variant_file).get(variant, variant), classes, frames)
    if as_json:
        print(model.to_json(indent=1))
    else:
        model.summary(line_length=110)


def doctor(as_json: JsonOption = False) -> None:
    """Say what works on this machine, and how to mend what does not; exit status 1 if something must be mended."""
    from bnet.doctor import examine

    findings = examine()
    if as_json:
        print(json.dumps([vars(finding) for finding in findings], indent=1))
    else:
        for finding in findings:
            mark = {True: "ok  ", None: "--  ", False: "FAIL"}[finding.ok]
            print(f"{mark} {finding.what:18} {finding.found}")
            if not finding.ok and finding.mend:
                print(f"     {'':18} -> {finding.mend}")
    if any(finding.ok is False for finding in findings):
        raise typer.Exit(1)
