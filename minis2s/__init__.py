"""Sequence-to-sequence learning in NumPy, forward and backward written by hand, with checks that prove it."""

from minis2s.checks import gradcheck, invariances
from minis2s.data.batches import make_batch
from minis2s.errors import InputError
from minis2s.models import Config, Seq2Seq
from minis2s.training.checkpoint import load_model

__all__ = ["Config", "InputError", "Seq2Seq", "gradcheck", "invariances", "load_model", "make_batch"]
