"""Sentences of ids to padded and packed batches.

B sentences, S source and T target steps (with the end sign), N real tokens, time-major and longest first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from minis2s.data.vocabulary import BOS, EOS, PAD


@dataclass(frozen=True, eq=False)
class PackedBatch:
    """Sentences of unequal length, padded, with the index that packs them: ``packed = padded[rows, steps]``."""

    ids: np.ndarray  # (B, S) int, PAD behind the end
    mask: np.ndarray  # (B, S) bool, True = real token
    batch_sizes: list[int]  # how many sentences are longer than t, for each t up to the longest
    rows: np.ndarray  # (N,) the sentence of each packed row
    steps: np.ndarray  # (N,) its step
    last: np.ndarray  # (B,) the packed row of each sentence's last token

    @classmethod
    def of(cls, ids: np.ndarray, lengths: np.ndarray) -> "PackedBatch":
        """Pack padded ids (B, S) of lengths (B,); ids behind the end of a sentence are ignored.

        Raises
        ------
        ValueError
            If there is no sentence, or one of them is empty.
        """
        if not lengths.size or lengths.min() < 1:
            raise ValueError("a batch needs at least one sentence, and every sentence at least one token")
        order = np.argsort(-lengths, kind="stable")  # longest first; equals keep their order
        mask = np.arange(ids.shape[1]) < lengths[:, None]
        steps, places = np.nonzero(mask[order].T)  # time-major
        batch_sizes = mask.sum(0)
        starts = np.concatenate([[0], np.cumsum(batch_sizes)])
        place_of = np.argsort(order)  # the place of each sentence in this order
        last = starts[lengths - 1] + place_of
        return cls(ids, mask, batch_sizes[batch_sizes > 0].tolist(), order[places], steps, last)

    @property
    def packed(self) -> np.ndarray:
        """The ids of the real tokens, (N,)."""
        return self.ids[self.rows, self.steps]

    @property
    def backwards(self) -> np.ndarray:
        """Index (N,) of packed rows that reverses every sentence: ``x[backwards]`` is x, each sentence from its end."""
        place = np.zeros(self.mask.shape, int)
        place[self.rows, self.steps] = np.arange(len(self.rows))
        return place[self.rows, self.mask.sum(1)[self.rows] - 1 - self.steps]

    def directions(self, count: int) -> list[np.ndarray | slice]:
        """Return an index of packed rows (N,) for each direction: sentences as they are and, for 2, reversed.

        Reversing twice gives the first order again, so the same index turns outputs back.
        """
        forwards = slice(None)
        return [forwards] if count == 1 else [forwards, self.backwards]

    @property
    def order(self) -> np.ndarray:
        """Index (B,) of the sentences, longest first."""
        return self.rows[: len(self.ids)]


@dataclass(frozen=True, eq=False)
class Batch:
    """Pairs for one update. Targets are sorted longest first, so packed target rows and batch rows agree."""

    source: PackedBatch
    target: PackedBatch  # each ends in EOS
    previous: np.ndarray  # (N,) packed: the token before each target token; BOS before the first
    pairs: np.ndarray  # (B,) index of each row's pair among those given

    @property
    def tokens(self) -> int:
        """Real target tokens, end signs included."""
        return len(self.previous)


class Sentences:
    """Many sentences in one array of ids: a padded batch is one look-up, whatever its size."""

    def __init__(self, sentences: Sequence[Sequence[int]]):
        self.lengths = np.array([len(sentence) for sentence in sentences], dtype=int)
        self.ids = np.fromiter((i for sentence in sentences for i in sentence), int, self.lengths.sum())
        self.starts = np.cumsum(self.lengths) - self.lengths

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, i: int) -> np.ndarray:
        return self.ids[self.starts[i] : self.starts[i] + self.lengths[i]]

    def pad(self, which: np.ndarray) -> PackedBatch:
        """Return the sentences of the indices ``which`` (B,), padded to the longest of them."""
        lengths = self.lengths[which]
        steps = np.arange(lengths.max(initial=0))
        real = steps < lengths[:, None]
        ids = np.full(real.shape, PAD)
        ids[real] = self.ids[(self.starts[which, None] + steps)[real]]
        return PackedBatch.of(ids, lengths)


@dataclass(frozen=True, eq=False)
class Examples:
    """A data set of pairs as ids; each target ends in EOS."""

    sources: Sentences
    targets: Sentences

    @classmethod
    def of(cls, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]) -> "Examples":
        """Take sentences of ids; EOS is put behind each target, while sources are taken as they are."""
        if len(sources) != len(targets):
            raise ValueError(f"{len(sources)} sources and {len(targets)} targets: each source needs one target")
        return cls(Sentences(sources), Sentences([[*target, EOS] for target in targets]))

    def __len__(self) -> int:
        return len(self.sources)

    def batch(self, which: np.ndarray) -> Batch:
        """Return the pairs of the indices ``which`` (B,) as a batch, longest target first."""
        which = np.asarray(which)
        which = which[np.argsort(-self.targets.lengths[which], kind="stable")]
        target = self.targets.pad(which)
        shifted = np.roll(target.ids, 1, axis=1)
        shifted[:, 0] = BOS
        return Batch(self.sources.pad(which), target, shifted[target.rows, target.steps], which)

    def batches(self, size: int, rng: np.random.Generator | None = None) -> list[np.ndarray]:
        """Return the indices of the pairs of each batch; shuffled by ``rng``, else in order of target length."""
        if rng is None:
            order = np.argsort(self.targets.lengths, kind="stable")
        else:
            order = rng.permutation(len(self))
        return [order[start : start + size] for start in range(0, len(order), size)]


def make_batch(sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]) -> Batch:
    """Return one batch from sentences of ids.

    >>> batch = make_batch([[4, 5, 4], [6]], [[4, 5, 4], [6]])
    >>> batch.target.packed, batch.previous
    (array([4, 6, 5, 2, 4, 2]), array([1, 1, 4, 6, 5, 4]))
    """
    return Examples.of(sources, targets).batch(np.arange(len(sources)))


def iterate(examples: Examples, size: int, rng: np.random.Generator | None = None) -> Iterator[Batch]:
    """Yield every pair once, in batches of ``size``."""
    for which in examples.batches(size, rng):
        yield examples.batch(which)
