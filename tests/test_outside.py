"""Music from outside: published networks hear what they were trained on as their authors' features had it."""

import numpy as np
import pytest
from scipy import stats

from bnet.corpora import get_corpus
from bnet.models import load_published_bbnn
from bnet.sound import log_mel
from bnet.training.fit import predict


@pytest.fixture
def public_clips(reference):
    """Twenty public excerpts of GTZAN, two a genre, 15 to 20 s each."""
    folder = reference.parent / "corpora" / "gtzan-audio"
    if not folder.is_dir():
        pytest.skip(f"the public excerpts of GTZAN are not at hand (corpora/{folder.name} beside the checkout)")
    return sorted(folder.glob("*.flac"))


def test_our_log_mels_are_those_that_the_baseline_was_trained_on(reference, public_clips):
    """Its published network names about 90 % of GTZAN's excerpts from our log-mels: of all 99 public ones, looped to
    30 s, folds 0, 3, 6 and 9 named .88 to .91. Of twenty clips at .9 each, fewer than the bound are named once in a
    thousand times only; guessing reaches it less than once in a hundred million times.
    """
    labels = get_corpus("gtzan").labels
    clips = np.stack([log_mel.log_mel(np.resize(log_mel.load(path), 30 * log_mel.SR)) for path in public_clips])
    assert clips.shape == (20, 646, 128)
    said = predict(load_published_bbnn(reference / "bbnn_gtzan_fold0.hdf5"), clips).argmax(axis=1)
    right = sum(labels[i] == path.name.split(".")[0] for i, path in zip(said, public_clips, strict=True))
    bound = int(stats.binom.ppf(0.001, len(clips), 0.9))
    assert stats.binom.sf(bound - 1, len(clips), 1 / len(labels)) < 1e-8
    assert right >= bound
