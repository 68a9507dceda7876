"""What a network must beat: the majority class, and two support-vector machines on plain features of the log-mel.

Each works as `bnet.training.fit.fit` does: it sees the training part, may choose by the validation part, and never sees
the labels of the test part.
"""

from __future__ import annotations

from collections.abc import Callable

import librosa
import numpy as np
from scipy.special import softmax
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from bnet.sound.log_mel import FeatureSettings
from bnet.training.parts import Outcome, Part

COSTS = (1.0, 10.0, 100.0)
"""Values of the SVM's C; the best on the validation part is used."""
MAX_LAG = 4.0
"""Longest lag of the autocorrelation, in seconds: two slow bars."""


def timbre(log_mels: np.ndarray, front_end: FeatureSettings) -> np.ndarray:
    """Mean and sd of every mel band over time: [shape=(n, 2 * n_mels)], from [shape=(n, frames, n_mels)]."""
    return np.concatenate([log_mels.mean(axis=1), log_mels.std(axis=1)], axis=1)


def rhythm(log_mels: np.ndarray, front_end: FeatureSettings) -> np.ndarray:
    """Autocorrelation of the onset envelope up to `MAX_LAG`: [shape=(n, lags)], from [shape=(n, frames, n_mels)].

    The envelope is librosa's spectral flux of the log-mel; its autocorrelation peaks at the beat and the bar.
    """
    hop_length = round(front_end.sr / front_end.frame_rate)
    lags = min(int(MAX_LAG * front_end.frame_rate), log_mels.shape[1])
    rows = []
    for log_mel in log_mels:
        envelope = librosa.onset.onset_strength(S=log_mel.T, sr=front_end.sr, hop_length=hop_length)
        row = librosa.autocorrelate(envelope - envelope.mean(), max_size=lags)
        rows.append(row / max(row[0], 1e-12))
    return np.asarray(rows)


BASELINES: dict[str, tuple[str, Callable[[np.ndarray, FeatureSettings], np.ndarray] | None]] = {
    "majority": ("Majority class", None),
    "svm-timbre": ("SVM on timbre", timbre),
    "svm-rhythm": ("SVM on rhythm", rhythm),
}
"""Name -> (title, features of log-mels; the front end that made them tells how many frames there are per second)."""
PIECE = 64
"""Clips whose log-mels are in memory at once."""


def fit(name: str, train: Part, validation: Part, test: Part, classes: int, front_end: FeatureSettings) -> Outcome:
    """Fit a baseline on the training part; apply it to the other two.

    The probabilities of an SVM are a softmax of its decision values: an order, not a calibrated belief; those of
    ``majority`` are the class shares of the training part.
    """
    features = BASELINES[name][1]
    if features is None:
        shares = np.bincount(train.labels, minlength=classes) / len(train)
        return Outcome(np.tile(shares, (len(validation), 1)), np.tile(shares, (len(test), 1)))
    x = {}
    for key, part in (("train", train), ("val", validation), ("test", test)):
        pieces = (part.rows[i : i + PIECE] for i in range(0, len(part), PIECE))
        x[key] = np.concatenate([features(np.asarray(part.features[rows], "float32"), front_end) for rows in pieces])
    best = None
    for cost in COSTS:
        svm = make_pipeline(StandardScaler(), SVC(C=cost, decision_function_shape="ovr"))
        svm.fit(x["train"], train.labels)
        score = svm.score(x["val"], validation.labels)
        if best is None or score > best[0]:
            best = (score, cost, svm)
    _, cost, svm = best
    return Outcome(_probabilities(svm, x["val"], classes), _probabilities(svm, x["test"], classes), notes={"C": cost})


def _probabilities(svm, x: np.ndarray, classes: int) -> np.ndarray:
    """Softmax of the decision values; a class that training never saw gets 0."""
    values = svm.decision_function(x)
    if values.ndim == 1:
        values = np.stack([-values, values], axis=1)
    result = np.zeros((len(x), classes))
    result[:, svm.classes_] = softmax(values, axis=1)
    return result
