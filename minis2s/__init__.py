"""Sequence-to-sequence learning in NumPy, forward and backward written by hand, with checks that prove it."""

from importlib import import_module
from typing import Any

_WHERE = {
    "Config": "models",
    "InputError": "errors",
    "Seq2Seq": "models",
    "gradcheck": "checks",
    "invariances": "checks",
    "load_model": "training.checkpoint",
    "make_batch": "data.batches",
}
__all__ = [*_WHERE]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import what is asked for, and not before: ``__main__`` is to run first, or Ctrl-C meanwhile is a traceback."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
