"""Run code that may not end, or may end Python, in a process of its own."""

import multiprocessing
import sys
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from minis2s.errors import InputError


def in_a_process(function: Callable, arguments: tuple, name: str, seconds: float) -> Any:
    """Return ``function(*arguments)``, computed in another process that is ended after ``seconds``.

    On Linux it is a fork, which needs no start-up time and knows the classes of a notebook. Elsewhere it is a new
    Python, to which only texts are handed over; the classes of a notebook run here, without a time limit.

    Raises
    ------
    InputError
        If the function raises it, does not end in time, or ends Python.
    """
    forks = sys.platform.startswith("linux")
    if not forks and not all(isinstance(argument, (str, type(None))) for argument in arguments):
        return function(*arguments)
    context = multiprocessing.get_context("fork" if forks else "spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=answer, args=(sender, function, arguments), daemon=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # fork beside threads: the child starts none of its own
        process.start()
    sender.close()
    try:
        if not receiver.poll(seconds):
            raise InputError(
                f"{name}: no end after {seconds:g} s; look for a loop that does not end, or give more time (--seconds)"
            )
        done, result = receiver.recv()
    except EOFError:
        process.join()
        raise InputError(
            f"{name}: its process ended with status {process.exitcode}; look for what ends Python"
        ) from None
    finally:
        process.kill()
        process.join()
        receiver.close()
    if not done:
        raise InputError(result)
    return result


def answer(sender: Connection, function: Callable, arguments: tuple) -> None:
    """Send the result, or the text of an InputError. What the function prints goes to standard error."""
    sys.stdout = sys.stderr
    try:
        with np.errstate(all="ignore"):
            sender.send((True, function(*arguments)))
    except InputError as error:
        sender.send((False, str(error)))
    except KeyboardInterrupt:
        pass  # the other process says it
