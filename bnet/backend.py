"""The one place that knows which Keras backend is in use: quiet import, determinism, devices."""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import os
import platform
import sys
from typing import Any

import psutil

PACKAGES = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}


def prepare() -> None:
    """Import Keras and its backend without TensorFlow's start-up messages; call it before using Keras."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    if "keras" in sys.modules or os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        return
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere:  # messages of its C++ part, written before logging is set up
            os.dup2(nowhere.fileno(), 2)
        with contextlib.suppress(ImportError):  # told when Keras is imported in earnest
            importlib.import_module("keras")
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def name() -> str:
    """``tensorflow``, ``jax`` or ``torch``."""
    import keras

    return keras.backend.backend()


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and the backend, and ask the backend for operations that repeat exactly."""
    import keras

    keras.utils.clear_session(free_memory=True)
    keras.utils.set_random_seed(seed)
    if name() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    elif name() == "torch":
        import torch

        torch.use_deterministic_algorithms(True, warn_only=True)


def jit_compile() -> bool | str:
    """Whether to compile the training step: on a CPU, XLA is slower than TensorFlow's own kernels; JAX needs it."""
    if name() == "tensorflow":
        return "GPU" in device()["kind"]
    return name() == "jax"


def device() -> dict[str, Any]:
    """What the network runs on: ``{"kind": "CPU" | "GPU", "name": ...}``."""
    gpus = _gpus()
    return {"kind": "GPU", "name": gpus[0]} if gpus else {"kind": "CPU", "name": processor()}


def _gpus() -> list[str]:
    if name() == "tensorflow":
        import tensorflow as tf

        devices = tf.config.list_physical_devices("GPU")
        return [tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in devices]
    if name() == "jax":
        import jax

        return [d.device_kind for d in jax.devices() if d.platform == "gpu"]
    import torch

    return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]


def processor() -> str:
    """The CPU's model name, as the system gives it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def machine() -> dict[str, Any]:
    """The machine of a run: processor, cores, memory in GiB, system and Python."""
    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def versions(network: bool = True) -> dict[str, str]:
    """Versions of the packages that decide a result; of Keras and its backend only where a `network` is trained."""
    names = ["numpy", "librosa", "scikit-learn", *(["keras", PACKAGES[name()]] if network else [])]
    return {package: importlib.metadata.version(package) for package in names}
