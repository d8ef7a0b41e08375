"""What is measured on translations. Fractions lie between 0 and 1, BLEU and chrF between 0 and 100, losses are in nats.

Each metric of a whole data set is made of whole numbers, its *statistics*: a row a sentence. They are added up, and one
short function turns the sums into the score: ``bleu(bleu_statistics(...).sum(0))``. So the score of a sentence, of all
sentences of one length, and of a thousand resamples of the data set come from the same two functions.
"""

from minis2s.metrics.alignment import (
    alignment_error_rate,
    alignment_statistics,
    argmax_links,
    merged,
    offsets,
    precision,
    recall,
)
from minis2s.metrics.bleu import bleu, bleu_statistics
from minis2s.metrics.bootstrap import by_length, interval
from minis2s.metrics.chrf import chrf, chrf_statistics
from minis2s.metrics.counts import brevity_ratio, count_statistics, dropped, repeated
from minis2s.metrics.sentences import check_sizes, exact_match, exact_match_by_length, perplexity, share

__all__ = [
    "alignment_error_rate",
    "alignment_statistics",
    "argmax_links",
    "bleu",
    "bleu_statistics",
    "brevity_ratio",
    "by_length",
    "check_sizes",
    "chrf",
    "chrf_statistics",
    "count_statistics",
    "dropped",
    "exact_match",
    "exact_match_by_length",
    "interval",
    "merged",
    "offsets",
    "perplexity",
    "precision",
    "recall",
    "repeated",
    "share",
]
