"""Check B: a beam's scores are those of its translations, and a beam of everything finds the best there is."""

import math
from collections.abc import Sequence

import numpy as np

from minis2s.data.batches import Sentences
from minis2s.data.vocabulary import BOS, EOS
from minis2s.decoding.beam import beam_search
from minis2s.models.seq2seq import Seq2Seq

SOURCES = [[4, 5, 4], [4, 6, 4, 10, 4], [7, 5], [4], [9, 9, 8], [10, 6, 5, 7]]
NARROW, LONGEST = 3, 3  # a small beam; tokens of a translation


def search_error(model: Seq2Seq) -> tuple[float, str]:
    """Return the largest difference of a log-probability, and which; the model's target vocabulary is small."""
    source = Sentences(SOURCES).pad(np.arange(len(SOURCES)))
    for ids, found in zip(SOURCES, beam_search(model, source, NARROW, LONGEST)):
        true = likelihood(model, ids, found.tokens + [EOS] * found.ended)
        error = max(abs(found.log_probability - true), abs(found.score - true))  # the same: there are no penalties
        if not error < 1e-9:
            return error, f"a beam of {NARROW} reports a score that is not that of its translation"
    wide = (model.config.target_vocabulary - 1) ** LONGEST
    error = 0.0
    for ids, found in zip(SOURCES, beam_search(model, source, wide, LONGEST)):
        error = max(error, abs(best(model, ids) - found.log_probability))
        if not error < 1e-9:
            return error, f"a beam of {wide}, which holds everything, does not find the likeliest translation"
    return error, f"beams of {NARROW} and {wide} report true scores, and the wide one finds the likeliest translations"


def likelihood(model: Seq2Seq, source: Sequence[int], tokens: Sequence[int]) -> float:
    """Return the log-probability of a translation, one token after another."""
    state, total = model.encode(Sentences([source]).pad(np.array([0]))), 0.0
    for before, token in zip([BOS, *tokens], tokens):
        log_p, state = model.decode_step(np.array([before]), state)
        total += float(log_p[0, token])
    return total


def best(model: Seq2Seq, source: Sequence[int]) -> float:
    """Return the log-probability of the likeliest translation, by trying them all."""
    highest = -math.inf
    beginnings = [(0.0, BOS, model.encode(Sentences([source]).pad(np.array([0]))))]
    for step in range(LONGEST + 1):
        longer = []
        for score, before, state in beginnings:
            log_p, after = model.decode_step(np.array([before]), state)
            highest = max(highest, score + float(log_p[0, EOS]))
            longer += [(score + float(p), i, after) for i, p in enumerate(log_p[0]) if i != EOS and step < LONGEST]
        beginnings = longer
    return highest
