"""How many threads NumPy's matrix products use."""

import ctypes
import os
from pathlib import Path

import numpy as np

CHOICES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")  # set by a user who wants to choose
SETTERS = ("scipy_openblas_set_num_threads64_", "openblas_set_num_threads64_", "openblas_set_num_threads")
PAYS_FROM = 128  # hidden size


def use_one_thread(hidden: int) -> bool:
    """Keep the products of a small model on one thread, unless the environment says how many.

    Below a hidden size of 128 a second thread gains next to nothing, and threads wait for one another in a busy loop:
    two trainings side by side on two cores, as in a class on one server, took 5 times as long with two threads each as
    with one. Works with the OpenBLAS that comes with NumPy; elsewhere nothing happens.

    Returns
    -------
    True if OpenBLAS was told so.
    """
    if hidden >= PAYS_FROM or any(name in os.environ for name in CHOICES):
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
