"""How many threads NumPy's matrix products use."""

import ctypes
import os
from pathlib import Path

import numpy as np

CHOICES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")  # set by a user who wants to choose
SETTERS = ("scipy_openblas_set_num_threads64_", "openblas_set_num_threads64_", "openblas_set_num_threads")


def use_one_thread() -> bool:
    """Keep matrix products on one thread, unless the environment says how many.

    At class sizes a second thread gains little, and threads wait for one another in a busy loop: two trainings side by
    side on two cores, as on the server of a class, took 5 times as long with two threads each as with one. Whoever has
    an idle machine and a hidden size of 128 or more sets OPENBLAS_NUM_THREADS=2 and gains. It also makes the same seed
    give the same bits on machines that differ only in their number of cores. Works with the OpenBLAS that comes with
    NumPy; elsewhere nothing happens.

    Returns
    -------
    True if OpenBLAS was told so.
    """
    if any(name in os.environ for name in CHOICES):
        return False
    package = Path(np.__file__).parent
    for path in [*package.parent.glob("numpy.libs/*openblas*"), *package.glob(".dylibs/*openblas*")]:
        try:
            library = ctypes.CDLL(str(path))
        except OSError:
            continue
        for name in SETTERS:
            if hasattr(library, name):
                getattr(library, name)(1)
                return True
    return False
