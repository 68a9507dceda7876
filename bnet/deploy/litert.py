"""A trained network as LiteRT (once TensorFlow Lite) for phones and small computers: float32, or integers of 8 bits.

Both take log-mels [shape=(batch, frames, 128, 1)] of any length (resize the input, then allocate) and give class
probabilities [shape=(batch, classes)]. In the second everything is an int8, input and output included; the scale and
zero point of either stand in the file.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bnet.errors import BnetError


def to_litert(model: Any, clips: np.ndarray | None = None) -> bytes:
    """A Keras network as LiteRT.

    Parameters
    ----------
    model
        As `bnet.deploy.predict.load_network` gives it, for clips of any length.
    clips
        None: numbers stay float32. Log-mels in dB [shape=(n, frames, n_mels)], which the network should meet in use:
        weights and maps become int8, with the ranges seen on them (full-integer quantisation after training).

    Raises
    ------
    BnetError
        If the backend is not TensorFlow, or LiteRT lacks an operation of a layer; names the layer.
    """
    from bnet import backend

    if backend.name() != "tensorflow":
        raise BnetError(f"LiteRT is written by the backend tensorflow; this is {backend.name()}; unset KERAS_BACKEND")
    import keras
    import tensorflow as tf

    signature = [keras.InputSpec(shape=(None, None, model.input_shape[2], 1), dtype="float32", name="log_mel")]
    settings: dict[str, Any] = {"target_spec": {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]}}
    if clips is not None:
        settings = {
            "target_spec": {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]},
            "optimizations": [tf.lite.Optimize.DEFAULT],
            "representative_dataset": lambda: ([clip[None, ..., None].astype("float32")] for clip in clips),
            "inference_input_type": tf.int8,
            "inference_output_type": tf.int8,
        }
    with tempfile.TemporaryDirectory(prefix="bnet-") as folder:
        path = Path(folder, "network.tflite")
        try:
            with _quiet():
                model.export(str(path), format="litert", verbose=False, input_signature=signature, **settings)
        except Exception as error:  # the converter's own has no public name
            raise _refused(model, error) from error
        return path.read_bytes()


class Network:
    """A LiteRT file that answers, for tests and measurements: by ai-edge-litert, else by TensorFlow's own interpreter.

    Parameters
    ----------
    content
        The file's bytes.
    threads
        How many it may use.
    """

    def __init__(self, content: bytes, threads: int = 1):
        with _quiet():
            self._interpreter = _module().Interpreter(model_content=content, num_threads=threads)
        self._shape: tuple[int, ...] = ()

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Class probabilities [shape=(batch, classes)] of log-mels in dB [shape=(batch, frames, n_mels, 1)]."""
        lite = self._interpreter
        given, got = lite.get_input_details()[0], lite.get_output_details()[0]
        if x.shape != self._shape:
            lite.resize_tensor_input(given["index"], x.shape)
            with _quiet():
                lite.allocate_tensors()
            self._shape = x.shape
        (scale, zero), (out_scale, out_zero) = given["quantization"], got["quantization"]
        lite.set_tensor(given["index"], np.clip(np.round(x / scale + zero), -128, 127).astype("int8") if scale else x)
        lite.invoke()
        y = lite.get_tensor(got["index"])
        return (y.astype("float32") - out_zero) * np.float32(out_scale) if out_scale else y


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
    module = _module()
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


def _module() -> Any:
    """What runs a LiteRT file: ai-edge-litert, else TensorFlow."""
    try:
        from ai_edge_litert import interpreter
    except ImportError:
        from tensorflow.lite.python import interpreter
    return interpreter


def _refused(model: Any, error: Exception) -> BnetError:
    """The converter's words, which name operations by their place (``layer_1/...``), as one that names a layer."""
    text = str(error)
    names = sorted((layer.name for layer in model.layers if re.search(rf"\b{layer.name}(_\d+)?/", text)), key=len)
    operations = ", ".join(dict.fromkeys(re.findall(r"'tf\.(\w+)' op", text)))
    if not names:
        return BnetError(
            f"LiteRT refuses the network {model.name}: {text.strip().splitlines()[0]}; take `--format onnx`"
        )
    kind = type(model.get_layer(names[-1])).__name__
    return BnetError(
        f"LiteRT can't hold the layer {names[-1]} ({kind}) of the network {model.name.replace('_', '-')}: it has no "
        f"{operations or 'such operation'} for clips of any length; take `--format onnx`, or a network without it"
    )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what C++ prints on file descriptor 2 off the screen: what matters is raised."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
