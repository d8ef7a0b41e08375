"""Packages that some tasks take their words from, and that nothing else needs."""

from importlib import import_module
from types import ModuleType

from minis2s.errors import InputError


def import_package(package: str, extra: str) -> ModuleType:
    """Import a package that is installed with an extra of minis2s.

    Raises
    ------
    InputError
        If it is not installed.
    """
    try:
        return import_module(package)
    except ImportError:
        name = package.partition(".")[0]
        raise InputError(
            f"this task needs the package {name}, which is not installed; python -m pip install -e '.[{extra}]'"
        ) from None
