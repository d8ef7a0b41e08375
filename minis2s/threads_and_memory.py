"""What a process asks of the C library and of OpenBLAS before long work.

Commands and notebooks call ``prepare_process``. No constructor and no search does: what holds for a whole process is
for those to choose whose process it is.
"""

import ctypes
import os
import sys
from pathlib import Path

import numpy as np

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # glibc, malloc.h
CHOICES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")  # set by a user who wants to choose
SETTERS = ("scipy_openblas_set_num_threads64_", "openblas_set_num_threads64_", "openblas_set_num_threads")


def prepare_process() -> None:
    """Keep freed memory and use one thread, from here on, in everything that this process does."""
    keep_freed_memory()
    use_one_thread()


def keep_freed_memory() -> bool:
    """Ask the C library to keep freed memory for the next array instead of giving it back to the system.

    Large temporary arrays otherwise cost thousands of page faults an update, which then takes 1.2 to 2.8 times as long.
    With this, fresh arrays are as fast as reused buffers, so layers need no buffers. Works with glibc on Linux;
    elsewhere nothing happens.

    Returns
    -------
    True if the C library took both settings.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # another C library
        return False
    kept = any(mallopt(M_MMAP_THRESHOLD, size) for size in (1 << 30, 1 << 25))  # some versions refuse the larger
    return bool(mallopt(M_TRIM_THRESHOLD, 2**31 - 1)) and kept


def use_one_thread() -> bool:
    """Keep matrix products on one thread, unless the environment says how many.

    At class sizes a second thread gains little, and threads wait for one another in a busy loop: two trainings side by
    side on two cores, as on the server of a class, took 5 times as long with two threads each as with one. On an
    idle machine OPENBLAS_NUM_THREADS=2 is faster from a hidden size of 128 on. One thread also makes the same seed
    give the same bits on machines that differ only in their number of cores. Works with the OpenBLAS that comes with
    NumPy; elsewhere nothing happens.

    Returns
    -------
    True if OpenBLAS was set to one thread.
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
