"""Clocks: the same work by several contenders, in turn, each timed many times."""

import ctypes
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

AGREE = 5e-6  # losses of the first updates agree to five decimals before any clock starts
SECONDS = {"S": 3.0, "M": 6.0, "L": 16.0, "XL": 60.0}  # about so long is each setting measured


def interleaved(
    contenders: Mapping[str, Callable[[], object]], seconds: float, least: int = 3
) -> dict[str, list[float]]:
    """Run the contenders in turn, A B C A B C ..., for about so many seconds; return the milliseconds of each run."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(next(iter(times.values()))) < least:
        for name, run in contenders.items():
            start = time.perf_counter()
            run()
            times[name].append(1000 * (time.perf_counter() - start))
    return times


def resident_mb() -> float:
    """Return the largest resident size of this process so far."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux: ru_maxrss would start from the parent's
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    import resource

    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def worker(module: str, threads: int, **task: object) -> dict:
    """Run ``python -m module --worker TASK`` with so many threads in a process of its own; return what it prints."""
    environment = {**os.environ, **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), str(threads))}
    command = [sys.executable, "-m", module, "--worker", json.dumps({"threads": threads, **task})]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def kernel() -> str:
    """Return which kernels NumPy's OpenBLAS runs; OPENBLAS_CORETYPE in the environment may hold it to older ones."""
    name = "of an unknown library"
    for path in Path(np.__file__).parent.parent.glob("numpy.libs/*openblas*"):
        library = ctypes.CDLL(str(path))
        for function in ("scipy_openblas_get_corename64_", "openblas_get_corename64_", "openblas_get_corename"):
            if hasattr(library, function):
                get = getattr(library, function)
                get.restype = ctypes.c_char_p
                name = f"of OpenBLAS for {get().decode()}"
    forced = os.environ.get("OPENBLAS_CORETYPE")
    return f"products: kernels {name}" + (f", as OPENBLAS_CORETYPE={forced} says" if forced else "")


def table(rows: list[dict]) -> str:
    """Return rows of named values as aligned columns."""
    shown = [[name.replace("_", " ") for name in rows[0]]]
    for row in rows:
        shown.append(
            [
                "-" if value is None else f"{value:,.2f}" if isinstance(value, float) else str(value)
                for value in row.values()
            ]
        )
    widths = [max(map(len, column)) for column in zip(*shown)]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths)) for line in shown)
