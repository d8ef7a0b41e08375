"""Byte-pair encoding: frequent neighbours in words become one piece, so that a rare word is written in known pieces.

Sennrich, Haddow and Birch 2016, arXiv 1508.07909. A word starts as its characters, the last of them marked `</w>`. The
most frequent pair of neighbours becomes one piece everywhere, and this again, as often as merges are asked for. Any
text is then cut by the same merges in the same order. Tokens are written as the authors' program subword-nmt writes
them, a piece that is not the last of its word with `@@` behind it: `lowest` may be `low@@ est`.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from heapq import heappop, heappush
from itertools import accumulate, pairwise

END = "</w>"  # in merges, behind the last piece of a word
MARK = "@@"  # in tokens, behind every other piece
ALONE = "@" + END  # merged with nothing: no last piece ends in `@@` then, and tokens have one reading
FEWEST = 2  # a pair seen once says nothing
REMEMBERED = 1 << 16  # words whose pieces are kept

Pieces = tuple[str, ...]
Merge = tuple[str, str]


def characters(word: str) -> Pieces:
    """`low` → `l`, `o`, `w</w>`."""
    return (*word[:-1], word[-1] + END)


def neighbours(pieces: Pieces) -> list[Merge]:
    """Return the pairs of neighbours that may become one piece."""
    return [pair for pair in pairwise(pieces) if pair[1] != ALONE]


def merge_pair(pieces: Pieces, pair: Merge) -> Pieces:
    """Make one piece of each such pair, from the left: `a a a` is `aa a` then."""
    merged, i = [], 0
    while i < len(pieces):
        step = 2 if pieces[i : i + 2] == pair else 1
        merged.append("".join(pieces[i : i + step]))
        i += step
    return tuple(merged)


def learn_merges(words: Mapping[str, int], most: int) -> tuple[Merge, ...]:
    """Learn merges from words and how often each occurs: algorithm 1 of the paper, with the counts kept up to date.

    Of equally frequent pairs, the last in the order of code points is merged first, as subword-nmt does. Learning stops
    early where no pair is left that occurs twice.

    Parameters
    ----------
    words : not empty, without white space
    most : how many merges, at most
    """
    cut = [characters(word) for word in words]
    times = list(words.values())
    where: defaultdict[Merge, set[int]] = defaultdict(set)  # the words each pair occurs in, or did
    counts: Counter[Merge] = Counter()
    having: defaultdict[int, set[Merge]] = defaultdict(set)  # the pairs that occur so often

    def tally(which: Iterable[int], sign: int, changes: Counter[Merge]) -> None:
        for i in which:
            for pair in neighbours(cut[i]):
                changes[pair] += sign * times[i]
                where[pair].add(i)

    def apply(changes: Counter[Merge]) -> None:
        for pair, change in changes.items():
            if not change:
                continue
            having[counts[pair]].discard(pair)
            if not having[counts[pair]]:
                del having[counts[pair]]
            counts[pair] += change
            if counts[pair]:
                having[counts[pair]].add(pair)

    changes: Counter[Merge] = Counter()
    tally(range(len(cut)), +1, changes)
    apply(changes)
    merges: list[Merge] = []
    while len(merges) < most and (greatest := max(having, default=0)) >= FEWEST:
        best = max(having[greatest])
        merges.append(best)
        tally(which := tuple(where[best]), -1, changes := Counter())
        for i in which:
            cut[i] = merge_pair(cut[i], best)
        tally(which, +1, changes)
        apply(changes)
        del where[best]
    return tuple(merges)


@dataclass(frozen=True)
class BytePairs:
    """Units of a text: the pieces that merges make of its words.

    A piece that is not `known` is taken apart again, into the two it was merged from, and so on. So a token of an
    unseen text is unknown only where a single character is. `known` is None until there is a vocabulary.
    """

    merges: tuple[Merge, ...]
    known: frozenset[str] | None = None  # tokens

    name = "bpe"
    token = "piece"

    @classmethod
    def learn(cls, texts: Iterable[str], most: int) -> "BytePairs":
        """Learn at most so many merges from texts."""
        return cls(learn_merges(Counter(word for text in texts for word in text.split()), most))

    def within(self, tokens: Iterable[str]) -> "BytePairs":
        """Return the same units, cut no larger than into these tokens."""
        return replace(self, known=frozenset(tokens))

    def split(self, text: str) -> list[str]:
        """Cut a text into pieces, with `@@` behind each that is not the last of its word."""
        return [token for word in text.split() for token in self.pieces_of(word)]

    def join(self, tokens: Iterable[str]) -> str:
        """Put pieces together again, with one space between words; the reverse of `split`, whatever the words hold."""
        words = "".join(token.removesuffix(MARK) if token.endswith(MARK) else token + " " for token in tokens)
        return words.removesuffix(" ")

    def positions(self, tokens: Sequence[str]) -> list[int]:
        """Return the position of each piece's word."""
        ends = [not token.endswith(MARK) for token in tokens]
        return list(accumulate(ends[:-1], initial=0))[: len(tokens)]

    @cached_property
    def ranks(self) -> dict[Merge, int]:
        """The place of each merge; its first, for it may come again where another has made the same piece."""
        return {merge: rank for rank, merge in reversed([*enumerate(self.merges)])}

    @cached_property
    def parents(self) -> dict[str, Merge]:
        """The two pieces that each piece was first merged from."""
        return {a + b: (a, b) for a, b in reversed(self.merges)}

    @cached_property
    def pieces_of(self) -> Callable[[str], tuple[str, ...]]:
        """The tokens of a word, remembered: most words of a text have been cut before."""
        return lru_cache(REMEMBERED)(self._cut)

    def _cut(self, word: str) -> tuple[str, ...]:
        pieces = self._merged(characters(word))
        tokens = [token for piece in pieces[:-1] for token in self._tokens(piece, last=False)]
        return (*tokens, *self._tokens(pieces[-1], last=True))

    def _merged(self, word: Pieces) -> list[str]:
        """Make one piece of all pairs of the first merge that there are, and this again.

        As ``merge_pair`` does, but each pair is visited once: a text without spaces is a word of any length.
        """
        pieces, size = list(word), len(word)  # a piece that was merged into the one before it becomes ""
        before, after = list(range(-1, size - 1)), list(range(1, size + 1))
        where: dict[int, list[int]] = {}  # by the rank of a pair, at least the places where it stands
        ranks: list[int] = []  # a heap

        def look(i: int, j: int) -> None:
            if 0 <= i and j < size and pieces[j] != ALONE:
                rank = self.ranks.get((pieces[i], pieces[j]))
                if rank is not None:
                    if rank not in where:
                        heappush(ranks, rank)
                    where.setdefault(rank, []).append(i)

        for i in range(size - 1):
            look(i, i + 1)
        while ranks:
            rank = heappop(ranks)
            for i in sorted(where.pop(rank)):
                j = after[i]
                if j == size or (pieces[i], pieces[j]) != self.merges[rank]:
                    continue  # it stood here once
                pieces[i], pieces[j] = pieces[i] + pieces[j], ""
                after[i] = after[j]
                if after[i] < size:
                    before[after[i]] = i
                look(before[i], i)
                look(i, after[i])
        return [piece for piece in pieces if piece]

    def _tokens(self, piece: str, last: bool) -> list[str]:
        tokens, open_ = [], [(piece, last)]
        while open_:
            piece, last = open_.pop()
            token = piece.removesuffix(END) if last else piece + MARK
            if self.known is None or token in self.known or piece not in self.parents:
                tokens.append(token)
            else:
                left, right = self.parents[piece]
                open_ += [(right, last), (left, False)]
        return tokens
