"""A trained network at work on one thread, in every form that it can be given; and a folder of sound on all cores.

    python benchmarks/inference.py               20 minutes on two cores
    python benchmarks/inference.py --quick       a try

Five tables, one record:

- ``rows``: seconds a clip and peak memory of a process of its own, one thread pinned to one core, for 10 s and 30 s of
  sound, each way beside Keras's ``predict``; and files a second of a folder on all cores, `bnet.deploy.predict`
  beside the loop that one writes first (librosa, Keras ``predict``, file by file);
- ``forms``: size on disk, largest difference of a probability from Keras's, least memory of the maps;
- ``int8``: accuracy on the test clips of the run's fold, in float32 and in integers;
- ``memory``: of `bnet.deploy.predict` over few files, many, and a long one;
- ``support``: which form holds which network, tried with random weights.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import typer
from common import MIB, Output, Quick, about, clocked, in_child, in_turn, line, peak, row, write

NETWORK, NETWORKS = "proposed", ("proposed", "bbnn")
"""Whose latency is measured, and whose loss by integers is."""
SECONDS = (10, 30)
PEER = "Keras predict"
AGREE, FASTER = 1e-4, 1 / 5
ONE = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
ONE |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}

Answer = Callable[[np.ndarray], np.ndarray]


def _keras(path: str):
    from bnet import backend

    backend.prepare()
    import keras

    import bnet.models.recurrence  # noqa: F401  its layers are to be known

    return keras.saving.load_model(path, compile=False)


def keras_predict(path: str, frames: int) -> Answer:
    """`keras.Model.predict`, a call a clip."""
    model = _keras(path)
    return lambda x: model.predict(x, verbose=0)


def keras_on_batch(path: str, frames: int) -> Answer:
    """`keras.Model.predict_on_batch`, a call a clip."""
    model = _keras(path)
    return lambda x: model.predict_on_batch(x)


def lean_kernels(path: str, frames: int) -> Answer:
    """`bnet.training.lean`, as `bnet predict` uses it once it is warm."""
    from bnet import backend
    from bnet.training import lean

    backend.prepare()
    from bnet.deploy.networks import shipped_run
    from bnet.models import get_variant
    from bnet.runs.weights import load_network

    record = shipped_run(NETWORK)
    model, _ = lean.choose(load_network(record, frames), get_variant(NETWORK), "lean")
    return lambda x: np.asarray(model.predict_on_batch(x))


def onnx_runtime(path: str, frames: int) -> Answer:
    """onnxruntime's CPU provider."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda x: session.run(None, {name: x})[0]


def lite(path: str, frames: int) -> Answer:
    """LiteRT, with its XNNPACK delegate."""
    from bnet.deploy.export import LiteNetwork

    return LiteNetwork(Path(path).read_bytes())


WAYS: dict[str, tuple[str, str]] = {
    PEER: ("keras", "keras_predict"),
    "Keras predict_on_batch": ("keras", "keras_on_batch"),
    "bnet.lean": ("", "lean_kernels"),
    "onnxruntime": ("onnx", "onnx_runtime"),
    "LiteRT": ("litert", "lite"),
    "LiteRT int8": ("litert-int8", "lite"),
}
"""Way of running a network -> the form that it reads ('': a run's weights), and the function that opens it."""


def forms(folder: str, network: str, most: int) -> dict[str, dict[str, Any]]:
    """In a process of its own: write a shipped network in every form; its file, size and clips that calibrated it."""
    from bnet.cli.deploy import FORMATS
    from bnet.deploy import export
    from bnet.deploy.networks import shipped_run
    from bnet.runs.weights import load_network

    record, found = shipped_run(network), {"": {"path": "", "bytes": 0, "calibration": 0}}
    for name in dict.fromkeys(form for form, _ in WAYS.values() if form):
        path, used = Path(folder, f"{network}-{name}{FORMATS[name].suffix}"), 0
        if name == "litert-int8":  # as its row of FORMATS does, but with so many clips
            clips = export.training_clips(record, most)
            used = len(clips)
            path.write_bytes(export.to_litert(load_network(record), clips))
        else:
            FORMATS[name].write(record, path)
        found[name] = {"path": str(path), "bytes": path.stat().st_size, "calibration": used}
    return found


def clips(folder: str, count: int) -> dict[str, str]:
    """In a process of its own: log-mels of test clips, end to end where a clip is shorter, one file a length."""
    from bnet.corpora import get_corpus
    from bnet.deploy.networks import shipped_run
    from bnet.sound import log_mel

    record = shipped_run(NETWORK)
    corpus, ids = get_corpus(record.config.corpus), set(record.arrays("test")[0][: 3 * count])
    sound = [corpus.audio(t, record.config.training.clip_seconds) for t in corpus.tracks() if t.track_id in ids]
    found = {}
    for seconds in SECONDS:
        y = [np.concatenate([sound[(i + j) % len(sound)] for j in range(3)]) for i in range(count)]
        x = np.stack([log_mel.log_mel(log_mel.fit(one, seconds)) for one in y])[..., None]
        found[str(seconds)] = str(Path(folder, f"{seconds}.npy"))
        np.save(found[str(seconds)], x)
    return found


def latency(way: str, path: str, x_path: str, times: int) -> dict[str, Any]:
    """In a process of its own, on one core: seconds a clip, peak memory, and the probabilities."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    x = np.load(x_path)
    ask = globals()[WAYS[way][1]](path, x.shape[1])
    taken = clocked(lambda: ask(x[:1]), times)
    found = np.concatenate([ask(x[i : i + 1]) for i in range(len(x))])
    return {**taken, "bytes": peak(), "probabilities": found.tolist()}


def loss(network: str, path: str, most: int | None) -> dict[str, Any]:
    """In a process of its own: the integers beside the recorded network on test clips of its fold (None: all)."""
    from bnet.deploy.export import agreement
    from bnet.deploy.networks import shipped_run

    record = shipped_run(network)
    found = agreement(record, "test", Path(path).read_bytes(), most)
    return {"network": network, "run": record.name, "corpus": record.config.corpus, **found}


def working(path: str) -> dict[str, int]:
    """In a process of its own: the least memory of a LiteRT file's maps, a length."""
    from bnet.sound import log_mel

    content = Path(path).read_bytes()
    return {str(seconds): working_bytes(content, log_mel.frames(seconds)) for seconds in SECONDS}


def working_bytes(content: bytes, frames: int) -> int:
    """The least memory that a LiteRT file's maps take for one clip, counted on its operations, in their order.

    Each map is held from the operation that makes it to the last that reads it; no operation has room of its own, and
    weights are not counted. A runtime that lays maps out in one piece of memory (LiteRT for microcontrollers) needs no
    less.

    Parameters
    ----------
    content
        The file's bytes.
    frames
        Of the log-mel.
    """
    from ai_edge_litert import interpreter as module

    plain = module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES  # a delegate would hide the operations
    lite = module.Interpreter(model_content=content, num_threads=1, experimental_op_resolver_type=plain)
    given = lite.get_input_details()[0]
    lite.resize_tensor_input(given["index"], (1, frames, *given["shape"][2:]))
    lite.allocate_tensors()
    sizes = {t["index"]: int(np.prod(t["shape"])) * np.dtype(t["dtype"]).itemsize for t in lite.get_tensor_details()}
    steps = lite._get_ops_details()
    made = {int(given["index"]): -1} | {int(i): n for n, step in enumerate(steps) for i in step["outputs"]}
    read = {int(i): n for n, step in enumerate(steps) for i in step["inputs"]}
    held = [sum(sizes[i] for i, start in made.items() if start <= n <= read.get(i, start)) for n in range(len(steps))]
    return max(held)


def sound_folder(folder: str, files: int, minutes: int) -> None:
    """In a process of its own: `files` files of 10 s, 44.1 kHz, stereo, half WAV and half MP3; and a long one."""
    import soundfile

    generator, sr = np.random.default_rng(0), 44_100
    for i in range(files):
        t = np.arange(10 * sr) / sr
        y = 0.1 * generator.standard_normal((len(t), 2)) + 0.3 * np.sin(2 * np.pi * (200 + 7 * i) * t)[:, None]
        soundfile.write(Path(folder, f"{i:05d}.{('wav', 'mp3')[i % 2]}"), y, sr)
    Path(folder, "long").mkdir()
    with soundfile.SoundFile(Path(folder, "long", "long.wav"), "w", sr, 2) as long:
        for _ in range(minutes):
            long.write(0.1 * generator.standard_normal((60 * sr, 2)))


def naive(paths: list[str]) -> dict[str, Any]:
    """In a process of its own: the loop that one writes first. Imports and the network are there before the clock."""
    from bnet import backend

    backend.prepare()
    import librosa

    from bnet.deploy.networks import shipped_run
    from bnet.runs.weights import load_network

    model, rows = load_network(shipped_run(NETWORK)), []
    librosa.feature.melspectrogram(y=np.zeros(4096, np.float32), sr=22_050)
    clock = time.perf_counter()
    for path in paths:
        y, sr = librosa.load(path, sr=22_050)
        mel = librosa.feature.melspectrogram(y=y, sr=sr, n_fft=2048, hop_length=1024, n_mels=128)
        rows.append(model.predict(librosa.power_to_db(mel).T[None, ..., None], verbose=0)[0].tolist())
    return {"s": time.perf_counter() - clock, "bytes": peak(), "probabilities": rows}


def streamed(paths: list[str], hop: float = 10.0, warm: int = 64) -> dict[str, Any]:
    """In a process of its own: `bnet predict` without its command line; the clock as in `naive`."""
    import librosa.filters  # noqa: F401

    from bnet.deploy.networks import shipped_run
    from bnet.deploy.predict import Classifier, predict_files

    classify = Classifier(shipped_run(NETWORK), warm)
    clock = time.perf_counter()
    answers = list(predict_files(classify, [Path(path) for path in paths], hop))
    seconds = time.perf_counter() - clock
    return {
        "s": seconds,
        "bytes": peak(),
        "probabilities": [answer.mean.tolist() for answer in answers],
        "windows": sum(len(answer.starts) for answer in answers),
    }


def support(name: str) -> list[dict[str, Any]]:
    """In a process of its own: a network of the table with random weights, in every form; why not, where not."""
    from bnet import backend

    backend.prepare()
    from bnet.deploy.export import LiteNetwork, to_litert, to_onnx
    from bnet.errors import BnetError
    from bnet.models import build

    backend.seed_everything(0)
    model, frames = build(name, 10), 216
    x = np.random.default_rng(0).uniform(-80, 0, (1, frames, 128, 1)).astype("float32")
    want = np.asarray(model.predict_on_batch(x))

    def by_onnx() -> np.ndarray:
        import onnxruntime

        session = onnxruntime.InferenceSession(to_onnx(model), providers=["CPUExecutionProvider"])
        return session.run(None, {session.get_inputs()[0].name: x})[0]

    rows = []
    for form, ask in (
        ("onnx", by_onnx),
        ("litert", lambda: LiteNetwork(to_litert(model))(x)),
        ("litert-int8", lambda: LiteNetwork(to_litert(model, x[..., 0]))(x)),
    ):
        try:
            far = float(np.abs(ask() - want).max())
            rows.append({"network": name, "form": form, "difference": far, "refused": ""})
        except BnetError as error:
            rows.append({"network": name, "form": form, "difference": None, "refused": str(error)})
    return rows


def on_one_thread(written: dict[str, Any], inputs: dict[str, str], repeats: int, times: int) -> tuple[list, list]:
    """Rows of seconds and of memory, and what each way's probabilities are off Keras's, by length."""
    rows, far = [], []
    for seconds, x_path in inputs.items():

        def ask(way: str, x_path: str = x_path) -> Callable[[], dict[str, Any]]:
            return lambda: in_child(latency, way, written[WAYS[way][0]]["path"], x_path, times, env=ONE)

        runs = in_turn({way: ask(way) for way in WAYS}, repeats)
        want = np.array(runs[PEER][0]["probabilities"])
        for way in [way for way in WAYS if way != PEER]:
            more = {"way": way, "form": WAYS[way][0], "seconds": int(seconds)}
            for measure, what in (("s", "one prediction"), ("bytes", "peak memory")):
                values = {name: [run[measure] for run in runs[name]] for name in WAYS}
                title = f"{what} of {NETWORK}, {seconds} s of sound, one thread"
                rows.append(row(title, measure, values, way, PEER, measure=measure, **more))
                print(line(rows[-1]), flush=True)
            difference = float(np.abs(np.array(runs[way][0]["probabilities"]) - want).max())
            far.append({"way": way, "seconds": int(seconds), "difference": difference, "clips": len(want)})
    return rows, far


def of_a_folder(folder: Path, files: int, repeats: int, minutes: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The row of seconds a folder, and the memory of streams of several sizes."""
    in_child(sound_folder, str(folder), files, minutes)
    paths = [str(path) for path in sorted(folder.glob("*.*"))]
    runs = in_turn(
        {"bnet predict": lambda: in_child(streamed, paths), "Keras loop": lambda: in_child(naive, paths)}, repeats
    )
    far = np.abs(np.array(runs["bnet predict"][0]["probabilities"]) - np.array(runs["Keras loop"][0]["probabilities"]))
    values = {name: [run["s"] for run in some] for name, some in runs.items()}
    line_ = row(
        f"{files} files of 10 s, all cores", "s", values, "bnet predict", "Keras loop", FASTER,
        measure="folder", files=files, difference=float(far.max()),
    )  # fmt: skip
    print(line(line_), flush=True)
    memory = []
    for what, some, hop in (
        (f"{files // 4} files of 10 s", paths[: files // 4], 10.0),
        (f"{files} files of 10 s", paths, 10.0),
        (f"{4 * files} files of 10 s", paths * 4, 10.0),
        (f"one file of {minutes} minutes, WAV", [str(folder / "long" / "long.wav")], 10.0),
    ):
        found = in_child(streamed, some, hop, 0)
        memory.append({"what": what, "windows": found["windows"], "bytes": found["bytes"], "s": found["s"]})
        print(f"{what}: {found['bytes'] / MIB:.0f} MiB at most", flush=True)
    return line_, memory


def main(quick: Quick = False, output: Output = None) -> None:
    """Measure the forms of the shipped networks, and a folder of sound."""
    from bnet.deploy.export import CLIPS
    from bnet.models import VARIANTS

    started = about(quick)
    repeats, times, count, files, minutes = (1, 3, 2, 16, 2) if quick else (3, 15, 8, 400, 60)
    calibration, tested = (4, 8) if quick else (CLIPS, None)
    names = ["1-block", "lstm"] if quick else list(VARIANTS)
    with tempfile.TemporaryDirectory(prefix="bnet-") as temporary:
        folder = Path(temporary)
        written = {
            name: in_child(forms, temporary, name, calibration) for name in (NETWORKS[:1] if quick else NETWORKS)
        }
        rows, far = on_one_thread(written[NETWORK], in_child(clips, temporary, count), repeats, times)
        sizes = [
            {"network": network, "form": form, "bytes": file["bytes"]}
            | ({"working": in_child(working, file["path"])} if form.startswith("litert") else {})
            for network, some in written.items()
            for form, file in some.items()
            if form
        ]
        int8 = [
            {**in_child(loss, network, some["path"], tested), "calibration": some["calibration"]}
            for network, some in ((network, some["litert-int8"]) for network, some in written.items())
        ]
        print(*(json.dumps(found) for found in int8), sep="\n", flush=True)
        (folder / "sound").mkdir()
        line_, memory = of_a_folder(folder / "sound", files, repeats, minutes)
    held = [found for name in names for found in in_child(support, name)]
    print(*(f"refused: {found['refused']}" for found in held if found["refused"]), sep="\n")
    agree = max(found["difference"] for found in far if found["way"] != "LiteRT int8")
    print(f"largest difference from Keras in float32: {agree:.1e}; at most {AGREE}: {agree <= AGREE}")
    write(
        "inference", started, [*rows, line_], output, network=NETWORK,
        agreement=far, forms=sizes, int8=int8, memory=memory, support=held,
    )  # fmt: skip


if __name__ == "__main__":
    typer.run(main)
