# %% [markdown]
# # What the networks see
#
# The networks of this study read a **log-mel spectrogram**: the level of the audio, in decibels, in 128 bands of
# frequency, about 22 times per second. The bands follow the mel scale: narrow where the ear
# is precise, wide above.

# %% tags=["parameters"]
corpus = "tunes"  # whose clips are shown
seconds = 10.0  # length of a clip

# %% tags=["remove-cell"]
from dataclasses import asdict

import matplotlib.pyplot as plt
import pandas as pd
import soundfile

from bnet.audit import plots
from bnet.book import myst
from bnet.corpora import SR, get_corpus, select
from bnet.sound import log_mel

plots.style()
settings = log_mel.FeatureSettings()

# %% [markdown]
# ## Settings
#
# They are the paper's (section III-B), and librosa's {cite:p}`mcfee2015` where the paper is silent. Two of its numbers are
# impossible: filters 'up to 22 050 Hz' reach beyond the Nyquist frequency of audio sampled at 22 050 Hz, so ours end at half the rate; and
# the input is called both 646 x 128 and 647 x 128: 30 s give 646 frames.

# %% tags=["remove-input"]
meaning = {
    "sr": "sample rate, Hz",
    "n_fft": "window, samples",
    "hop_length": "step between frames, samples",
    "n_mels": "mel bands",
    "fmin": "lowest frequency, Hz",
    "fmax": "highest frequency, Hz",
    "top_db": "range below the loudest point, dB",
}
rows = [[f"`{key}`", f"{value:g}", meaning.get(key, "")] for key, value in asdict(settings).items()]
myst.table(
    pd.DataFrame(rows, columns=["Setting", "Value", "Meaning"]), "Settings of the log-mel.", "tab-features-settings"
)

# %% [markdown]
# ## One clip of each class
#
# The first clip of each class in the corpus's seeded order. Bright is loud; time runs to the right, pitch upwards. The
# instrument, key and loudness of a clip are random and carry no information about its class.

# %% tags=["remove-input"]
found = get_corpus(corpus)
tracks = {track.label: track for track in select(found.tracks(), 1)}
clips = {label: found.audio(tracks[label], seconds) for label in found.labels}
fig, axes = plt.subplots(4, 2, figsize=(7.6, 10.5), layout="constrained")
for ax, label in zip(axes.flat, found.labels, strict=False):
    plots.spectrogram(log_mel.log_mel(clips[label]), sr=SR, hop_length=settings.hop_length, ax=ax, title=label)
for ax in axes.flat[len(found.labels) :]:
    ax.axis("off")
myst.figure(
    fig,
    f"Log-mel spectrograms of {seconds:g} s, one clip per class of `{corpus}`.",
    "fig-features-classes",
    f"{len(found.labels)} spectrograms: stacked bright lines of harmonics that change with each note; the notes follow each "
    "other fast in reels and jigs, slowly in airs.",
    kind="png",
)

# %% tags=["remove-input"]
players = []
for label, y in clips.items():
    target = myst.static_file(f"audio/features/{tracks[label].track_id}.mp3")
    soundfile.write(target, y, SR, format="MP3")
    players.append((target, f"{label}: {found.describe(tracks[label])}"))
myst.audio(players)
