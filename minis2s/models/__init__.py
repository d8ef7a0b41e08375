"""Encoders, decoders and whole models, assembled from layers. Start with seq2seq.py."""

from .config import MODELS, Config
from .decoder import BahdanauDecoder, PlainDecoder
from .encoder import Encoder
from .seq2seq import Seq2Seq

__all__ = ["MODELS", "BahdanauDecoder", "Config", "Encoder", "PlainDecoder", "Seq2Seq"]
