"""The General MIDI sounds of the embedded corpus: pretty_midi's `TimGM6mb.sf2`, put in tune for symusic."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterator

from bnet.corpora.tunes.scores import package_folder
from bnet.errors import BnetError

FILE = "TimGM6mb.sf2"

_KEY_RANGE, _INSTRUMENT_SAMPLE, _OVERRIDING_ROOT_KEY = 43, 53, 58  # SoundFont 2.01 specification, section 8.1.2
_SAMPLE_HEADER, _ORIGINAL_KEY = 46, 40  # size of a sample header, and where its key stands (section 7.10)


def read_soundfont() -> bytes:
    """The sound font, in tune (see `in_tune`). A `BnetError` if pretty_midi, which brings the file, is not installed,
    or brings it no more."""
    path = package_folder("pretty_midi", f"the sounds of the corpus 'tunes' ({FILE}) lie in it") / FILE
    try:
        return in_tune(path.read_bytes())
    except FileNotFoundError:
        raise BnetError(f"{path} is missing; run: pip install --force-reinstall pretty_midi==0.2.11.post0") from None


def in_tune(soundfont: bytes) -> bytes:
    """The same sound font with the key at which each sample was recorded written where symusic looks for it.

    A SoundFont says a sample's key twice: in the sample's header, and, overriding that, in the instrument's zone.
    symusic 0.5.9 reads the header only (its synthesizer: github.com/lzqlzzq/prestosynth, src/soundfont.cpp), where
    TimGM6mb holds 60 for most samples: violin, accordion, guitar and others sound wrong by up to two octaves,
    differently in each zone, and the synthesizer never returns for some high notes.
    This copies the zone's key into the header. Where zones of several instruments disagree about one sample, the one
    that plays most keys decides; `bnet.corpora.tunes.corpus.PROGRAMS` holds only instruments that are in tune then.
    """
    font = bytearray(soundfont)
    votes: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    headers = _chunk(font, b"shdr")[0]
    for zone in _instrument_zones(font):
        if _INSTRUMENT_SAMPLE in zone:
            sample = zone[_INSTRUMENT_SAMPLE]
            header_key = font[headers + _SAMPLE_HEADER * sample + _ORIGINAL_KEY]
            low, high = divmod(zone.get(_KEY_RANGE, 127 << 8), 256)[::-1]
            votes[sample][zone.get(_OVERRIDING_ROOT_KEY, header_key)] += high - low + 1
    for sample, keys in votes.items():
        font[headers + _SAMPLE_HEADER * sample + _ORIGINAL_KEY] = max(keys, key=lambda key: (keys[key], key))
    return bytes(font)


def _instrument_zones(font: bytearray) -> Iterator[dict[int, int]]:
    """The generators (operator -> amount) of each instrument's zones, on top of those of its global zone."""
    instruments, size = _chunk(font, b"inst")
    bags, _ = _chunk(font, b"ibag")
    generators, _ = _chunk(font, b"igen")
    for at in range(instruments, instruments + size - 22, 22):
        shared: dict[int, int] = {}
        first, last = (struct.unpack_from("<H", font, at + offset)[0] for offset in (20, 42))
        for bag in range(first, last):
            start, stop = (struct.unpack_from("<H", font, bags + 4 * entry)[0] for entry in (bag, bag + 1))
            zone = dict(struct.unpack_from("<HH", font, generators + 4 * entry) for entry in range(start, stop))
            if bag == first and _INSTRUMENT_SAMPLE not in zone:
                shared = zone
            yield shared | zone


def _chunk(font: bytearray, tag: bytes) -> tuple[int, int]:
    """Where the data of a `pdta` chunk begins, and how long it is, in bytes."""
    at = font.index(tag, font.index(b"pdta"))
    return at + 8, struct.unpack_from("<I", font, at + 4)[0]
