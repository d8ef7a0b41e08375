"""Files read and written: never half a file, never a device or a link replaced, nothing read that has no end."""

import errno
import os
import secrets
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from minis2s.errors import InputError


def write_file(path: str | Path, write: Callable[[BinaryIO], object]) -> None:
    """Let ``write`` fill a temporary file, then give it the name ``path``: never half a file.

    A link stays a link: the file that it leads to is replaced. A device, a pipe and our own standard output are written
    through.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    try:
        place = place_of(path)
        if place is None:
            with open_through(path) as file:
                write(file)
        else:
            replace_file(place, write)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); choose another place") from None


def place_of(path: str | Path) -> Path | None:
    """Return where an ordinary file of this name is or would be, links followed; None for what is written through.

    Raises
    ------
    OSError
        If it is a folder, a disk or a socket, or a link that leads in a circle.
    """
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return Path(os.path.realpath(path))
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "this is a folder", str(path))
    if stat.S_ISFIFO(found.st_mode) or stat.S_ISCHR(found.st_mode) or own_stream(found):
        return None
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "this is not an ordinary file", str(path))
    return Path(os.path.realpath(path))


def own_stream(found: os.stat_result) -> int | None:
    """Return the number of our standard output or error if it is this very file, by whatever name."""
    for number in (1, 2):
        with suppress(OSError):  # closed
            if os.path.samestat(found, os.fstat(number)):
                return number
    return None


def open_through(path: str | Path) -> BinaryIO:
    """Open a device, a pipe or our own output to write to; of the last, what is there already stays."""
    if number := own_stream(os.stat(path)):
        if sys.stdout:
            sys.stdout.flush()
        return os.fdopen(os.dup(number), "wb")
    return open(path, "wb")


def replace_file(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Fill a temporary file beside ``path`` and give it that name."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(temporary, "xb") as file:
            write(file)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):  # it may not have been made
            os.unlink(temporary)
        raise


def remove_temporary(folder: Path, name: str) -> None:
    """Remove what killed processes left in a folder of writing the file of this name."""
    for path in folder.glob(f".{name}." + "[0-9a-f]" * 8):
        with suppress(OSError):
            path.unlink()


def open_to_read(path: str | Path, pipes: bool = True) -> BinaryIO:
    """Open a file to read; refuse a device, which may have no end, and a pipe too where ``pipes`` is false.

    Raises
    ------
    OSError
        With what is wrong, in ``strerror``.
    """
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "this is a folder", str(path))
    if not (stat.S_ISREG(mode) or (pipes and stat.S_ISFIFO(mode))):
        raise OSError(errno.EINVAL, "this is not an ordinary file", str(path))
    return open(path, "rb")
