"""From sound files to log-mels: the feature store beside the authors' script, on the same files in the same run.

    python benchmarks/features.py                       1 000 clips of 30 s of each kind, three times over: 10 minutes
    python benchmarks/features.py --clips 200           fewer
    python benchmarks/features.py --quick               a try

The authors' way, as their notebooks have it: one process, file by file ``librosa.load`` (22 050 Hz, 30 s), mel
spectrogram, decibels, and all of them in one array. Ours is `bnet.corpora.store.FeatureStore.extract` with a worker a
core, into a store on disk, with a checksum of every file. Both are whole processes, their imports and start included,
and what they give is compared. Then the parts are clocked one by one on one core: reading and decoding, resampling and
the Fourier transform can't be left out, so their sum is what bounds any such program with these libraries.

Files are made on the spot, decaying chords in noise: some different ones, each under many names.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from common import Output, Quick, about, answer, in_child, in_turn, line, row, seconds, start, watch, write

SR, SECONDS, N_FFT, HOP, BANDS = 22_050, 30.0, 2048, 1024, 128
TARGET, EQUAL = 0.1, 1e-4
"""What extraction may take of the authors' time, and how far a value may be off theirs, in dB."""
KINDS = {
    "WAV, 22.05 kHz, mono": ("a.wav", 22_050, 1),
    "WAV, 44.1 kHz, stereo": ("b.wav", 44_100, 2),
    "MP3, 44.1 kHz, stereo": ("c.mp3", 44_100, 2),
}
"""Kind of file -> a name, whose suffix counts; sample rate in Hz; channels."""
DIFFERENT = 20
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
UNAVOIDABLE = ("decode", "resample", "Fourier transform")


def sound(seed: int, sr: int, channels: int) -> np.ndarray:
    """A chord struck once a second, in noise [shape=(n, channels)]."""
    generator = np.random.default_rng(seed)
    t = np.arange(round(SECONDS * sr)) / sr
    chord = sum(np.sin(2 * np.pi * hz * t) for hz in generator.uniform(100, 4000, 4))
    noise = generator.standard_normal((len(t), channels))
    return 0.1 * (chord * np.exp(-3 * (t % 1)))[:, None] + 0.02 * noise


def make(kind: str, clips: int, folder: Path) -> list[str]:
    """Write `clips` files of a kind into `folder`, `DIFFERENT` ones under many names; gives their paths, sorted."""
    import soundfile

    name, sr, channels = KINDS[kind]
    paths = [folder / f"clip-{i:05d}{Path(name).suffix}" for i in range(clips)]
    for i, path in enumerate(paths):
        if i < DIFFERENT:
            soundfile.write(path, sound(i, sr, channels), sr)
        else:
            os.link(paths[i % DIFFERENT], path)
    return [str(path) for path in paths]


def authors(folder: str, output: str) -> dict[str, float]:
    """In a process of its own: the authors' way. Keeps the first `DIFFERENT` in a file, for comparison."""
    clock = time.perf_counter()
    import librosa

    features = []
    for path in sorted(Path(folder).iterdir()):
        y, sr = librosa.load(path, sr=SR, duration=SECONDS)
        mel = librosa.feature.melspectrogram(y=y, sr=sr, n_fft=N_FFT, hop_length=HOP, n_mels=BANDS)
        features.append(librosa.power_to_db(mel))
    features = np.array(features)
    taken = time.perf_counter() - clock
    np.save(output, features[:DIFFERENT].transpose(0, 2, 1))
    return {"s": taken}


def store(folder: str, output: str, jobs: int) -> dict[str, float]:
    """In a process of its own: extract into a store below `output`, beside it the same array as `authors` keeps."""
    clock = time.perf_counter()
    from bnet.corpora import Corpus, Track
    from bnet.corpora.store import FeatureStore
    from bnet.paths import sha256_file
    from bnet.sound import decode, log_mel

    class Files(Corpus):
        """Sound files as they lie, all of one class."""

        name, title, labels, source = "files", "Files", ("a",), "files 1"

        def tracks(self) -> list[Track]:
            return [Track(path.name, "a", path.name, path) for path in Path(folder).iterdir()]

        def audio(self, track: Track, seconds: float) -> np.ndarray:
            return log_mel.fit(decode.load(track.path, seconds=seconds), seconds)

        def checksum(self, track: Track, y: np.ndarray) -> str:
            return sha256_file(track.path)

    made = FeatureStore(Files(), SECONDS, root=Path(output).parent / "store")
    tracks = made.corpus.tracks()
    done = made.extract(tracks, jobs=jobs, progress=False).done
    taken = time.perf_counter() - clock
    if made.failures:
        raise SystemExit(f"{len(tracks) - done} of {len(tracks)} clips failed: {next(iter(made.failures.values()))}")
    np.save(output, made.rows(sorted(track.track_id for track in tracks)[:DIFFERENT]))
    return {"s": taken}


def measured(function: Callable, *words: Any, scratch: Path) -> dict[str, float]:
    """Seconds, peak memory of all its processes, and a file with the first log-mels, of `authors` or `store`."""
    folder = Path(tempfile.mkdtemp(dir=scratch))
    output = folder / "first.npy"
    process = start(function, words[0], str(output), *words[1:])
    memory = watch(process)
    return {**answer(process), "bytes": max(memory["total"], memory["parent"]), "first": str(output)}


def parts(path: str, times: int) -> dict[str, list[float]]:
    """In a process of its own, on one core: seconds that each part takes for one clip, ours and the authors'."""
    import librosa
    import scipy.fft
    import soundfile
    import soxr

    from bnet.paths import sha256_file
    from bnet.sound import decode, log_mel

    y, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono, at_sr = y.mean(axis=1), decode.load(path, seconds=SECONDS)
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(at_sr, N_FFT // 2), N_FFT)[::HOP].astype(float)
    blocks = [frames[i : i + 32] for i in range(0, len(frames), 32)]
    mel = librosa.feature.melspectrogram(y=at_sr, sr=SR, n_fft=N_FFT, hop_length=HOP, n_mels=BANDS)
    each = {
        "decode": lambda: soundfile.read(path, dtype="int16" if path.endswith("wav") else "float32"),
        "resample": lambda: soxr.resample(mono, rate, SR, quality="soxr_hq") if rate != SR else None,
        "Fourier transform": lambda: [scipy.fft.rfft(block, axis=1) for block in blocks],
        "checksum of the file": lambda: sha256_file(Path(path)),
        "bnet: load": lambda: decode.load(path, seconds=SECONDS),
        "bnet: log-mel": lambda: log_mel.log_mel(at_sr),
        "librosa: load": lambda: librosa.load(path, sr=SR, duration=SECONDS),
        "librosa: mel spectrogram": lambda: librosa.feature.melspectrogram(
            y=at_sr, sr=SR, n_fft=N_FFT, hop_length=HOP, n_mels=BANDS
        ),
        "librosa: decibels": lambda: librosa.power_to_db(mel),
    }
    taken = in_turn({name: lambda f=f: seconds(f) for name, f in each.items()}, times + 1)
    return {name: values[1:] for name, values in taken.items()}


def compare(kind: str, clips: int, times: int, jobs: int, scratch: Path) -> tuple[list[dict], dict[str, Any]]:
    """Both ways on files of one kind: rows for time and memory, and what else was found."""
    (folder := scratch / Path(KINDS[kind][0]).stem).mkdir()
    paths = make(kind, clips, folder)
    found = in_turn(
        {
            "feature store": lambda: measured(store, str(folder), jobs, scratch=scratch),
            "authors' script": lambda: measured(authors, str(folder), scratch=scratch),
        },
        times,
    )
    ours, theirs = (np.load(found[name][0]["first"]) for name in found)
    far = float(np.abs(ours - theirs).max())
    fields = {"kind": kind, "clips": clips, "jobs": jobs}
    what = f"log-mels of {clips} clips of 30 s, {kind}"
    rows = [
        row(f"{what}{more}", unit, {name: [one[key] for one in each] for name, each in found.items()}, *found, **aim)
        | fields
        for key, unit, more, aim in (
            ("s", "s", "", {"at_most": TARGET}),
            ("bytes", "bytes", ", memory of all processes", {}),
        )
    ]
    pieces = in_child(parts, paths[0], max(5, 5 * times), env=ONE_THREAD)
    middle = {name: float(np.median(values)) for name, values in pieces.items()}
    least = sum(middle[name] for name in UNAVOIDABLE)
    authors_s = sum(value for name, value in middle.items() if name.startswith("librosa"))
    return rows, {
        **fields,
        "file_bytes": Path(paths[0]).stat().st_size,
        "largest_difference_db": far,
        "equal": far <= EQUAL,
        "parts_s": {name: {"median": middle[name], "low": min(v), "high": max(v)} for name, v in pieces.items()},
        "least_s": least,
        "authors_s": authors_s,
        "bound": least / jobs / authors_s,
    }


def main(
    clips: Annotated[int, typer.Option(min=20, help="Clips of each kind.")] = 1000,
    repeats: Annotated[int, typer.Option(min=1, help="Times each way is run; medians count.")] = 3,
    jobs: Annotated[int, typer.Option(min=0, help="Workers of the feature store; 0: one a core.")] = 0,
    scratch: Annotated[Path | None, typer.Option(help="Folder for files and stores, removed at the end.")] = None,
    quick: Quick = False,
    output: Output = None,
) -> None:
    """Measure extraction of log-mels against the authors' script, and its parts."""
    started = about(quick)
    jobs, clips, repeats = jobs or started["machine"]["cores"], 40 if quick else clips, 1 if quick else repeats
    rows, found = [], []
    for kind in KINDS:
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            both, more = compare(kind, clips, repeats, jobs, Path(folder))
        rows, found = rows + both, [*found, more]
        print(*map(line, both), sep="\n")
        pieces = ", ".join(f"{name} {1000 * part['median']:.2f}" for name, part in more["parts_s"].items())
        print(
            f"  largest difference {more['largest_difference_db']:.1e} dB; ms a clip on one core: {pieces}\n"
            f"  decoding, resampling and transform alone, on {jobs} cores: {more['bound']:.3f} of the authors' time",
            flush=True,
        )
    write("features", started, rows, output, seconds=SECONDS, kinds=found, unavoidable=UNAVOIDABLE)


if __name__ == "__main__":
    typer.run(main)
