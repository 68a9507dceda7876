"""The runtime that executes a network in the browser: onnxruntime-web, single-threaded WebAssembly.

Its files lie in ``bnet/deploy/web/onnxruntime``, so that a fresh clone or an installed package needs no Node and no
network.
"""

from __future__ import annotations

import gzip
from pathlib import Path

from bnet.errors import BnetError
from bnet.paths import sha256

VERSION = "1.30.0"
FOLDER = Path(__file__).parent / "onnxruntime"
CHECKSUMS = {
    "ort.wasm.min.js": "faece07e84faa9001f5104bbe4e5c70861d06cb2376a0dea1fa0ad33a67adc81",
    "ort-wasm-simd-threaded.mjs": "e13f7f94fc51b4ca72b12faeb1ee95f4ace6dfbc8939bc718aabdc0a27c4299b",
    "ort-wasm-simd-threaded.wasm": "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
"""SHA-256 of each file as the npm package holds it."""


def read(name: str) -> bytes:
    """A file of the runtime, uncompressed.

    Raises
    ------
    BnetError
        If it is missing or is not the file of this version.
    """
    path = FOLDER / name
    try:
        data = path.read_bytes() if path.exists() else gzip.decompress(path.with_name(f"{name}.gz").read_bytes())
    except (OSError, EOFError, gzip.BadGzipFile) as error:
        raise BnetError(
            f"cannot read {name} of onnxruntime-web {VERSION} in {FOLDER} ({error}); "
            "restore the folder from the repository"
        ) from error
    if sha256(data) != CHECKSUMS[name]:
        raise BnetError(
            f"{name} in {FOLDER} is not that of onnxruntime-web {VERSION}: its checksum is {sha256(data)[:12]}..., "
            f"expected {CHECKSUMS[name][:12]}...; restore the folder from the repository"
        )
    return data
