"""Measurements, run by hand: ``python -m tests.benchmarks.NAME``. One thread, unless the environment says otherwise."""

import os

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # NumPy reads it once, when it is imported: after this file
