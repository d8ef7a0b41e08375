"""Encoders, decoders and whole models, assembled from layers. Start with seq2seq.py."""

from minis2s.models.config import MODELS, Config
from minis2s.models.decoder import BahdanauDecoder, PlainDecoder
from minis2s.models.encoder import Encoder
from minis2s.models.seq2seq import Seq2Seq

__all__ = ["MODELS", "BahdanauDecoder", "Config", "Encoder", "PlainDecoder", "Seq2Seq"]
