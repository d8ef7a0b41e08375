"""A small training that lessons share: words of random letters, to be reversed; about a second of one core."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from minis2s.classroom.lesson import size
from minis2s.data.pairs import Pair
from minis2s.data.vocabulary import Vocabulary
from minis2s.decoding.teacher_forced import teacher_forced_alphas
from minis2s.decoding.translator import Translator
from minis2s.layers.dot import DotAttention
from minis2s.metrics import exact_match, exact_match_by_length
from minis2s.models import Config, Seq2Seq
from minis2s.training.gradient_norms import gradient_flow
from minis2s.training.loop import Trainer, TrainingConfig

LETTERS = "abcdefgh"
SHORTEST = 3  # letters in a word
TRAINED, UNSEEN, WATCHED = 3_000, 1_000, 200  # words; in each progress report the first of the unseen ones are tried
EMBEDDING, HIDDEN, RATE = 16, 32, 8e-3


class Reversal(NamedTuple):
    """A model in training, and what it is tried on. In a quick test it learns from few words, for one epoch."""

    trainer: Trainer
    vocabulary: Vocabulary
    unseen: list[Pair]

    @classmethod
    def start(
        cls,
        seed: int,
        longest: int,
        epochs: int,
        change: Callable[[Seq2Seq], Seq2Seq] = lambda model: model,
        **parts: Any,
    ) -> "Reversal":
        """Draw the words, of 3 to ``longest`` letters, and the first weights.

        change : takes the model with its first weights, returns the one to train
        parts : Config's
        """
        rng, words, unseen = np.random.default_rng(seed), {}, size(UNSEEN, 40)
        while len(words) < size(TRAINED, 120) + unseen:
            words["".join(rng.choice(list(LETTERS), rng.integers(SHORTEST, longest + 1)))] = None
        pairs = [Pair(word, word[::-1]) for word in words]
        vocabulary = Vocabulary.build([LETTERS])
        config = Config(len(vocabulary), len(vocabulary), **{"embedding": EMBEDDING, "hidden": HIDDEN} | parts)
        text = Translator(change(Seq2Seq.init(rng, config)), vocabulary, vocabulary, "char")
        examples, watched = text.examples(pairs[unseen:]), text.examples(pairs[: min(unseen, WATCHED)])
        settings = TrainingConfig(epochs=size(epochs, 1), rate=RATE, seed=seed, reports=8)
        return cls(Trainer(text.model, examples, watched, settings), vocabulary, pairs[:unseen])

    def train(self) -> list[tuple[float, float]]:
        """Train to the end; return (epoch, share of unseen words right, in %) eight times on the way."""
        return [(report.epoch, 100 * report.exact_match) for report in self.trainer.progress()]

    def watch(self, word: str, updates: Sequence[int]) -> list[np.ndarray]:
        """Train up to each number of updates; return the attention weights of a word then, as ``alphas`` does."""
        maps = []
        for update in updates:
            if update:
                self.trainer.run_to(update)
            maps += self.alphas([word])
        return maps

    @property
    def translator(self) -> Translator:
        """The model as it is now, with its vocabulary."""
        return Translator(self.trainer.model, self.vocabulary, self.vocabulary, "char")

    @property
    def texts(self) -> list[str]:
        """What the model makes of the unseen words."""
        return [translation.text for translation in self.translator.translate([pair.source for pair in self.unseen])]

    def right_by_length(self) -> dict[int, float]:
        """Return the share of unseen words that are right as a whole, in %, by their length."""
        lengths = [len(pair.source) for pair in self.unseen]
        found = exact_match_by_length(self.texts, [pair.target for pair in self.unseen], lengths)
        return {length: 100 * share for length, (share, _) in found.items()}

    def right(self) -> float:
        """Return the share of unseen words that are right as a whole, in %."""
        return 100 * exact_match(self.texts, [pair.target for pair in self.unseen])

    def alphas(self, words: Sequence[str] = (), targets: Sequence[str] = ()) -> list[np.ndarray]:
        """Return attention weights, teacher-forced, (T, S) a word with end signs; by default of the unseen words.

        targets : what is written, by default each word reversed
        """
        pairs = list(map(Pair, words, targets or [word[::-1] for word in words])) or self.unseen
        return teacher_forced_alphas(self.trainer.model, self.translator.examples(pairs))

    def weight_by_offset(self, widest: int = 2) -> dict[int, float]:
        """Return the mean weight, in %, so many places right of the letter written."""
        sums, rows = dict.fromkeys(range(-widest, widest + 1), 0.0), 0
        for alphas in self.alphas():
            S = alphas.shape[1]
            rows += S - 1  # the end sign has no letter
            for offset in sums:
                sums[offset] += sum(alphas[t, j] for t in range(S - 1) if 0 <= (j := S - 2 - t + offset) < S)
        return {offset: 100 * float(total) / rows for offset, total in sums.items()}

    def largest_by_offset(self, widest: int = 2) -> dict[int, float]:
        """Return how often, in %, the largest weight is so many places to the right of the letter written."""
        found = [alphas[:-1].argmax(1) - np.arange(len(alphas) - 1)[::-1] for alphas in self.alphas()]
        return {k: 100 * float(np.mean(np.concatenate(found) == k)) for k in range(-widest, widest + 1)}

    def gradient_by_letter(self, length: int) -> np.ndarray:
        """Return the norm of the gradient at the encoder's state after each letter of the unseen words of a length.

        The last of the (length + 1,) is the end sign's.
        """
        same = [i for i, pair in enumerate(self.unseen) if len(pair.source) == length]
        batch = self.translator.examples(self.unseen).batch(same)
        return gradient_flow(self.trainer.model, batch)["encoder"]

    def sizes(self) -> tuple[float, float]:
        """Return the root mean square of the memory's entries, and the standard deviation of the scores."""
        batch = self.trainer.train.batch(np.arange(100))
        _, cache = self.trainer.model.loss(batch)
        score = np.concatenate([read.score.ravel() for read in cache.decoder.reads])
        entries = cache.decoder.memory[batch.source.mask]
        return float(np.sqrt((entries * entries).mean())), float(score[np.isfinite(score)].std())


def product_times(factor: float) -> Callable[[Seq2Seq], Seq2Seq]:
    """Return a ``change`` for a model with dot attention: its products are multiplied by a factor."""

    class Hot(DotAttention):
        def scale(self, query: np.ndarray) -> float:
            return factor

    return lambda model: replace(model, decoder=replace(model.decoder, attention=Hot()))
