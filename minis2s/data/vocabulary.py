"""Tokens to ids and back."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

PAD, BOS, EOS, UNK = range(4)
SPECIAL = ("<pad>", "<bos>", "<eos>", "<unk>")


@dataclass(frozen=True)
class Vocabulary:
    """An ordered list of tokens; a token's id is its place. The four special ones come first.

    Build it from the training part only: a token never trained on has to be ``<unk>``, or the test is not honest.
    """

    tokens: tuple[str, ...]

    @classmethod
    def build(cls, sentences: Iterable[Sequence[str]], min_count: int = 1) -> "Vocabulary":
        """Take each token that ``sentences`` have so often, the most frequent first, equals in alphabetical order."""
        counts = Counter(chain.from_iterable(sentences))
        for token in SPECIAL:
            del counts[token]
        kept = [token for token, count in counts.items() if count >= min_count]
        return cls(SPECIAL + tuple(sorted(kept, key=lambda token: (-counts[token], token))))

    @cached_property
    def ids(self) -> dict[str, int]:
        """The id of each token."""
        return {token: i for i, token in enumerate(self.tokens)}

    def __len__(self) -> int:
        return len(self.tokens)

    def encode(self, sentence: Sequence[str]) -> list[int]:
        """Return the ids of a sentence; a token not in the vocabulary, or spelt like a special sign, is UNK."""
        return [max(self.ids.get(token, UNK), UNK) for token in sentence]  # the special signs come first, UNK last

    def decode(self, ids: Iterable[int]) -> list[str]:
        """Return the tokens of ids."""
        return [self.tokens[i] for i in ids]

    def unknown(self, sentence: Sequence[str]) -> list[str]:
        """Return the tokens of a sentence that are not in the vocabulary, in order, each once."""
        return [token for token in dict.fromkeys(sentence) if token not in self.ids or token in SPECIAL]
