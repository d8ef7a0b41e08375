"""Run code that may not end, or may end Python, in a process of its own.

The process answers with a file of JSON, so nothing that it prints, closes or leaves running can spoil the answer or
make us wait, and what is read back is data. It is a guard against slips, not against intent.
"""

import ctypes
import json
import multiprocessing
import os
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from minis2s.checks.user_layers.plain import from_plain, to_plain
from minis2s.errors import InputError, cut

MEMORY = 4  # GB that the process may take, on Linux
LONGEST = 500  # characters of what it says
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def in_a_process(function: Callable, arguments: tuple, kind: Any, name: str, seconds: float) -> Any:
    """Return ``function(*arguments)``, computed in another process that is ended after ``seconds``.

    On Linux it is a fork, which needs no start-up time and knows the classes of a notebook. Elsewhere it is a new
    Python, to which only texts are handed over; the classes of a notebook run here, without a time limit.

    Parameters
    ----------
    kind : the type of the result, as ``from_plain`` takes it

    Raises
    ------
    InputError
        If the function raises it, does not end in time, ends Python, or gives something else.
    """
    forks = sys.platform.startswith("linux")
    if not forks and not all(isinstance(argument, (str, type(None))) for argument in arguments):
        return function(*arguments)
    context: Any = multiprocessing.get_context("fork" if forks else "spawn")
    try:
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    except OSError as error:
        raise InputError(f"{name}: no place for its answer ({error.strerror}); set TMPDIR to a folder") from None
    with folder:
        path = Path(folder.name) / "answer.json"
        process = context.Process(target=answer, args=(path, function, arguments, os.getpid(), seconds), daemon=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # fork beside threads: the child starts none of its own
            process.start()
        try:
            end = time.monotonic() + seconds
            while process.exitcode is None and time.monotonic() < end:
                time.sleep(0.005)  # its descriptors may be closed, or kept open by others: only its status tells
            status = process.exitcode
        finally:
            if hasattr(os, "killpg"):
                with suppress(OSError):
                    os.killpg(process.pid, signal.SIGKILL)  # with all that it started
            process.kill()
            process.join()
        if status is None or status == -getattr(signal, "SIGXCPU", 0):
            raise InputError(
                f"{name}: no end after {seconds:g} s; look for a loop that does not end, or give more time (--seconds)"
            )
        if not path.is_file():
            raise InputError(f"{name}: its process ended with status {status}; look for what ends Python")
        try:
            done, result = json.loads(path.read_text(encoding="utf-8"))
            result = from_plain(kind if done else str, result)
        except (ValueError, TypeError, OSError, RecursionError):
            raise InputError(f"{name}: its process gave no report; look for what it writes to files") from None
    if not done:
        raise InputError(result)
    return result


def answer(path: Path, function: Callable, arguments: tuple, parent: int, seconds: float) -> None:
    """Write the result, or the text of an InputError, and end this process."""
    try:
        confine(parent, seconds)
        done, result = True, None
        with np.errstate(all="ignore"):
            result = to_plain(function(*arguments))
    except InputError as error:
        done, result = False, cut(str(error), LONGEST)
    except BaseException as error:
        done, result = False, f"{type(error).__name__} in its process; look for what ends Python"
    try:
        part = path.with_suffix(".part")
        part.write_text(json.dumps([done, result]), encoding="utf-8")
        os.replace(part, path)
    finally:
        os._exit(0)  # at once, without what code of others wants to do at exit


def confine(parent: int, seconds: float) -> None:
    """Keep this process, and what it starts, within bounds, as far as the system can.

    It is a group of its own, so that it ends as a whole; its forks end at once; it ends with its parent; memory and
    time are limited; it reads no input, and what it prints goes to standard error.
    """
    sys.stdout = sys.stderr
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(2, 1)
    if not sys.platform.startswith("linux"):
        return
    import resource

    os.setsid()
    os.register_at_fork(after_in_child=lambda: os._exit(0))
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before it could take us along
        os._exit(0)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limits = {
        resource.RLIMIT_AS: pages * resource.getpagesize() + int(MEMORY * 10**9),
        resource.RLIMIT_CPU: int(seconds) + 5,
        resource.RLIMIT_CORE: 0,
    }
    for which, most in limits.items():
        hard = resource.getrlimit(which)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(which, (most, most))
