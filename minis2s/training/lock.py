"""One process at a time writes into a folder."""

import errno
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from minis2s.errors import InputError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

NAME = ".minis2s.lock"
HELD = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)  # as systems say that another process holds a lock


class Lock:
    """Holds a folder until ``release``, or until this process ends, however it ends.

    The system keeps the lock, on a file that is held open. A file that a killed process left is in nobody's way.

    Raises
    ------
    InputError
        If another process holds the folder, or it cannot be written.
    """

    def __init__(self, folder: Path):
        self.path = folder / NAME
        try:
            while not self.take():
                pass
        except OSError as error:
            raise InputError(f"{folder}: cannot be written ({error.strerror}); choose --out elsewhere") from None

    def take(self) -> bool:
        """Lock the file; return False if its last holder removed it meanwhile: then another may lock a new one."""
        self.file = open(self.path, "ab")
        try:
            lock(self.file)
            held = os.path.samestat(os.fstat(self.file.fileno()), os.stat(self.path))
        except FileNotFoundError:
            held = False
        except BlockingIOError:
            self.file.close()
            raise InputError(
                f"{self.path.parent}: another process is writing there; wait for it, stop it, or choose --out"
            ) from None
        if not held:
            self.file.close()
        return held

    def __enter__(self) -> "Lock":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Let others in, and leave no file."""
        with suppress(OSError):
            self.path.unlink()  # while it is held
        self.file.close()
        if sys.platform == "win32":  # which removes no file that is open
            with suppress(OSError):
                self.path.unlink()


def lock(file: BinaryIO) -> None:
    """Lock an open file, or raise BlockingIOError if another process has; where the disk knows no locks, go on."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in HELD:
            raise BlockingIOError(error.errno, error.strerror) from None
