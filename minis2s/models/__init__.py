"""Encoders, decoders and whole models, assembled from layers. Start with seq2seq.py."""

from minis2s.models.bahdanau import BahdanauDecoder
from minis2s.models.bridge import Bridge
from minis2s.models.config import Config
from minis2s.models.encoder import Encoder
from minis2s.models.encoder_layer import EncoderLayer
from minis2s.models.luong import LuongDecoder
from minis2s.models.no_attention import PlainDecoder
from minis2s.models.output import TiedOutput
from minis2s.models.seq2seq import Seq2Seq

__all__ = [
    "BahdanauDecoder",
    "Bridge",
    "Config",
    "Encoder",
    "EncoderLayer",
    "LuongDecoder",
    "PlainDecoder",
    "Seq2Seq",
    "TiedOutput",
]
