"""How a translation is searched for, as one record, and the search itself over any number of sentences."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minis2s.data.batches import PackedBatch, Sentences
from minis2s.decoding.beam import Penalties, beam_lists
from minis2s.decoding.greedy import Hypothesis, greedy
from minis2s.decoding.sampling import sample
from minis2s.errors import InputError
from minis2s.models.seq2seq import Seq2Seq

MOST_ROWS = 5000  # beginnings side by side: a batch has fewer sentences where the beam is wide
WIDEST = {"beam": 1000, "n_best": 1000}  # wider ones find nothing better, and translations get shorter
MOST_PENALTY = 10.0  # 0.2 to 1 is usual; powers far beyond this leave the range of numbers


@dataclass(frozen=True)
class Search:
    """How to search: greedily, with a beam, or by drawing tokens.

    Raises
    ------
    InputError
        Naming the choice, its value and what it may be.
    """

    beam: int = 1  # beginnings kept side by side; 1 is greedy search
    length_penalty: float = 0.0  # alpha of Wu et al. 2016; see ``beam.Penalties``
    coverage_penalty: float = 0.0  # beta of Wu et al. 2016; it needs a model with attention
    n_best: int = 1  # translations a sentence, at most
    sample: bool = False  # draw tokens at random; the next three say from which
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    seed: int = 0  # of the draws

    def __post_init__(self) -> None:
        for name, least in (("beam", 1), ("n_best", 1), ("top_k", 1), ("seed", 0)):
            value = getattr(self, name)
            whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
            if not (whole and value >= least) and not (name == "top_k" and value is None):
                raise InputError(f"{name} is {value!r}; it must be a whole number of at least {least}")
            if name in WIDEST and value > WIDEST[name]:
                raise InputError(f"{name} is {value!r}; it must be at most {WIDEST[name]}")
        for name in ("length_penalty", "coverage_penalty"):
            if not 0 <= getattr(self, name) <= MOST_PENALTY:
                raise InputError(f"{name} is {getattr(self, name)}; it must be a number from 0 to {MOST_PENALTY:g}")
        if not 0 < self.temperature < math.inf:
            raise InputError(f"temperature is {self.temperature}; it must be a number above 0")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise InputError(f"top_p is {self.top_p}; it must be above 0 and at most 1")
        self.refuse_combinations()

    def refuse_combinations(self) -> None:
        """Raise InputError for a choice that would change nothing; it names the one to leave out or to add."""
        if self.n_best > self.beam and not self.sample:
            raise InputError(f"n_best is {self.n_best}, but beam is {self.beam}; make beam at least {self.n_best}")
        for name in ("beam", "length_penalty", "coverage_penalty", "n_best"):
            if self.sample and getattr(self, name) != getattr(type(self), name):
                raise InputError(f"{name} is {getattr(self, name)}, which sampling has no use for; leave it out")
        for name in ("temperature", "top_k", "top_p", "seed"):
            if not self.sample and getattr(self, name) != getattr(type(self), name):
                raise InputError(f"{name} is {getattr(self, name)}, which needs sample; choose that, or leave it out")

    def check(self, model: Seq2Seq) -> None:
        """Raise InputError if the model cannot be searched so."""
        if self.coverage_penalty and not model.config.attends:
            raise InputError("coverage_penalty needs attention, which this model does not have; leave it out")

    def batch(
        self, model: Seq2Seq, source: PackedBatch, numbers: Sequence[int] | np.ndarray, max_length: int | None = None
    ) -> list[list[Hypothesis]]:
        """Return the hypotheses of each sentence of a batch; numbers (B,) as in ``search_all``."""
        if self.sample:
            drawn = self.seed, self.temperature, self.top_k, self.top_p
            return [[hypothesis] for hypothesis in sample(model, source, numbers, *drawn, max_length)]
        penalties = Penalties(self.length_penalty, self.coverage_penalty)
        if self.beam == 1 and not any(penalties):
            return [[hypothesis] for hypothesis in greedy(model, source, max_length)]
        return beam_lists(model, source, self.beam, max_length, self.n_best, penalties)


def translate_all(
    model: Seq2Seq, sources: Sentences, search: Search | None = None, size: int = 250, max_length: int | None = None
) -> list[Hypothesis]:
    """Translate sentences of ids, ``size`` side by side; return the best hypothesis of each, in their order."""
    return [best for best, *_ in search_all(model, sources, search, size, max_length)]


def search_all(
    model: Seq2Seq,
    sources: Sentences,
    search: Search | None = None,
    size: int = 250,
    max_length: int | None = None,
    numbers: Sequence[int] | None = None,
) -> list[list[Hypothesis]]:
    """Translate sentences of ids, ``size`` side by side; return the hypotheses of each, the best first, in their order.

    Parameters
    ----------
    search : by default greedy
    size : sentences in a batch, at most
    max_length : as in ``greedy``
    numbers : one for each sentence, which seeds it besides the seed; by default its place in ``sources``

    Raises
    ------
    InputError
        If a coverage penalty is asked of a model without attention.
    """
    search = Search() if search is None else search
    search.check(model)
    size = max(1, min(size, MOST_ROWS // search.beam))
    drawn_by = np.arange(len(sources)) if numbers is None else np.asarray(numbers)
    lists: list[list[Hypothesis]] = [[] for _ in range(len(sources))]
    order = np.argsort(sources.lengths, kind="stable")  # equally long sentences together: little padding
    for start in range(0, len(order), size):
        which = order[start : start + size]
        for i, found in zip(which, search.batch(model, sources.pad(which), drawn_by[which], max_length)):
            lists[i] = found
    return lists
