"""The one place that knows which Keras backend is in use: quiet import, determinism, devices."""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from bnet.errors import BnetError, quiet, unknown
from bnet.paths import cache_dir

PACKAGES = {"tensorflow": "tensorflow[and-cuda]", "jax": "jax[cuda12]<0.12", "torch": "torch"}
"""Backend, which is its package's name too -> that package with what a GPU needs."""


def prepare() -> None:
    """Import Keras and its backend without TensorFlow's start-up messages, where the environment does not say else;
    a `BnetError` refuses a ``KERAS_BACKEND`` that is none of `PACKAGES`."""
    if (asked := os.environ.get("KERAS_BACKEND") or "tensorflow") not in PACKAGES:
        raise unknown("KERAS_BACKEND", asked, PACKAGES)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    # else TensorFlow gives a CPU's buffers back to the system at every step, and half of a plain step is page faults
    os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "true")
    if "keras" in sys.modules or asked != "tensorflow":
        return
    with quiet(), contextlib.suppress(ImportError):  # told when Keras is imported in earnest
        importlib.import_module("keras")


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def name() -> str:
    """``tensorflow``, ``jax`` or ``torch``."""
    import keras

    return keras.backend.backend()


def seed_everything(seed: int, deterministic: bool = True) -> None:
    """Seed Python, NumPy and the backend; if `deterministic`, ask TensorFlow and torch for operations that repeat
    exactly (TensorFlow then compiles nothing by XLA, whose own switch `take` sets)."""
    import keras

    keras.utils.clear_session(free_memory=True)
    keras.utils.set_random_seed(seed)
    if not deterministic:
        return
    if name() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    elif name() == "torch":
        import torch

        torch.use_deterministic_algorithms(True, warn_only=True)


def take(wanted: str, memory_share: float = 0.0, deterministic: bool = True) -> None:
    """Take a device for this process: before its first use, for a backend does not give one back.

    Parameters
    ----------
    wanted
        ``cpu``, ``gpu``, or ``auto``: a GPU where there is one.
    memory_share
        The share of each GPU's memory that this process may take; 0: what it comes to need, no more.
    deterministic
        Whether what XLA compiles for a GPU is to repeat exactly.

    Raises
    ------
    BnetError
        If there is no GPU and one was asked for, or this process uses another device already.
    """
    prepare()
    if deterministic and "xla_gpu_deterministic_ops" not in os.environ.get("XLA_FLAGS", ""):
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_gpu_deterministic_ops=true".strip()
    _take(wanted == "cpu", memory_share)
    kind = device()["kind"]
    if wanted == "gpu" and kind == "CPU":
        raise BnetError(
            f"--device gpu, but {name()} sees none here; expected an NVIDIA GPU with its driver (`nvidia-smi` lists "
            f"it) and `pip install '{PACKAGES[name()]}'` (measured on a GPU: JAX, by KERAS_BACKEND=jax); or train on "
            "the CPU: --device auto"
        )
    if wanted == "cpu" and kind == "GPU":
        raise BnetError(
            f"--device cpu, but {name()} has a GPU already (torch, on import); start again with CUDA_VISIBLE_DEVICES=-1"
        )


def _take(hide: bool, share: float) -> None:
    """Hide the GPUs, or take the `share` of their memory (0: as it is needed)."""
    if name() == "tensorflow":
        import tensorflow as tf

        with contextlib.suppress(RuntimeError):  # in use already, as it was taken
            if hide:
                tf.config.set_visible_devices([], "GPU")
            for gpu in tf.config.get_visible_devices("GPU"):
                if share:
                    limit = tf.config.LogicalDeviceConfiguration(memory_limit=share * _gpu_mib())
                    tf.config.set_logical_device_configuration(gpu, [limit])
                else:
                    tf.config.experimental.set_memory_growth(gpu, True)
    elif name() == "jax":
        import jax

        os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
        if share:
            os.environ["XLA_PYTHON_CLIENT_MEM_FRACTION"] = f"{share:.3f}"
        if jax.config.jax_compilation_cache_dir is None:  # what is compiled here serves the next process
            jax.config.update("jax_compilation_cache_dir", str(cache_dir() / "jax"))
        if hide:
            jax.config.update("jax_platforms", "cpu")
    else:
        import torch

        if share and not hide and torch.cuda.is_available():
            torch.cuda.set_per_process_memory_fraction(share)


def _gpu_mib() -> int:
    """Memory of the first GPU, as its driver tells."""
    command = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0])
    except (OSError, subprocess.CalledProcessError, ValueError, IndexError) as error:
        raise BnetError(f"memory_share wants the GPU's size, but nvidia-smi does not tell it: {error}") from error


@contextlib.contextmanager
def precision(wanted: str) -> Iterator[None]:
    """Build and trace networks in ``float32``, ``tf32`` or ``bfloat16`` inside this context.

    From the first one on, float32 is what it says; before, TensorFlow and JAX take TF32 for it where a GPU has it.
    """
    import keras

    before = keras.config.dtype_policy()
    _set_products(wanted)
    if wanted == "bfloat16":
        keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
        _set_products("float32")


def _set_products(wanted: str) -> None:
    """Set the precision of products of float32 numbers."""
    if name() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_tensor_float_32_execution(wanted == "tf32")
    elif name() == "jax":
        import jax

        names = {"float32": "float32", "tf32": "tensorfloat32", "bfloat16": None}
        jax.config.update("jax_default_matmul_precision", names[wanted])
    else:
        import torch

        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = wanted == "tf32"


def device() -> dict[str, Any]:
    """What the network runs on: ``{"kind": "CPU" | "GPU", "name": ...}``."""
    gpus = _gpus()
    return {"kind": "GPU", "name": gpus[0]} if gpus else {"kind": "CPU", "name": processor()}


def _gpus() -> list[str]:
    if name() == "tensorflow":
        import tensorflow as tf

        devices = tf.config.get_visible_devices("GPU")
        return [tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in devices]
    if name() == "jax":
        import jax

        return [d.device_kind for d in jax.devices() if d.platform == "gpu"]
    import torch

    return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]


def processor() -> str:
    """The CPU's model name, as the system gives it."""
    return _cpuinfo().get("model name") or platform.processor() or platform.machine()


def _cpuinfo() -> dict[str, str]:
    """What Linux tells of the first processor; elsewhere nothing."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    pairs = [line.partition(":") for line in reversed(lines)]  # of equal keys the first line wins
    return {key.strip(): value.strip() for key, _, value in pairs}


MICROARCHITECTURE = ("cpu family", "model", "stepping", "CPU implementer", "CPU part", "CPU revision")
"""Lines of ``/proc/cpuinfo`` that tell kinds of processor apart where a virtual machine hides the name."""


def machine() -> dict[str, Any]:
    """The machine of a run: processor and its kind, cores, memory in GiB, system and Python."""
    told = _cpuinfo()
    return {
        "processor": processor(),
        "microarchitecture": ", ".join(f"{key} {told[key]}" for key in MICROARCHITECTURE if told.get(key)),
        "cores": cores(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def versions(network: bool = True) -> dict[str, str]:
    """Versions of the packages that decide a result; of Keras and its backend only where a `network` is trained."""
    names = ["numpy", "librosa", "scikit-learn", *(["keras", name()] if network else [])]
    return {package: importlib.metadata.version(package) for package in names}
