"""Keep freed memory in the process."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # glibc, malloc.h


def keep_freed_memory() -> bool:
    """Ask the C library to keep freed memory for the next array instead of giving it back to the system.

    Large temporary arrays otherwise cost thousands of page faults an update. With this, fresh arrays are as fast as
    reused buffers, so layers need no buffers. Works with glibc on Linux; elsewhere nothing happens.

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
