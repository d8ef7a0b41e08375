"""Words, rectangles and masks: what lesson 03 asks for, and the mistakes that students make of it."""

from collections import Counter

import numpy as np

from minis2s.data.vocabulary import PAD, UNK
from minis2s.layers.embedding import Embedding, EmbeddingCache

rng = np.random.default_rng(3)


def texts(*lines: str) -> list[list[str]]:
    """Return lines as lists of words."""
    return [line.split() for line in lines]


TRAIN = texts("the cat sees the dog", "the dog sleeps", "a cat sleeps", "the horse")
HELD_OUT = texts("the bird sleeps", "a bird sees the dog and the bird", "the cat sleeps", "the horse sleeps")
PARTS = {
    "words seen at least twice kept": (TRAIN, HELD_OUT, 2),
    "every word of training kept": (TRAIN, HELD_OUT, 1),
    "nothing is unknown": (TRAIN, TRAIN[1:], 1),
    "a word twice in one sentence, words seen at least three times kept": (
        texts("the cat and the cat", "a dog sees the dog", "a dog"),
        texts("the cat", "a cat sees the dog"),
        3,
    ),
}
LOOKED_UP = {
    "6 places, ids repeated, 5 words of 3 numbers": (rng.normal(size=(5, 3)), np.array([2, 4, 2, 0, 2, 4])),
    "one place": (rng.normal(size=(3, 2)), np.array([1])),
}
IDS_OF = {"the": 4, "dog": 5, "cat": 6, "sees": 7, "sleeps": 8}
RAGGED = {
    "sentences of 3, 1, 5 and 2 words, bird is unknown": (
        texts("the dog sleeps", "sleeps", "the bird sees the cat", "the bird"),
        IDS_OF,
    ),
    "one sentence": (texts("the cat sees"), IDS_OF),
    "a vocabulary of 100,000 words": (texts("sees dog", "a cat sees"), {"sees": 99_999, "dog": 40_000, "cat": 130}),
}
MASK = np.arange(5) < np.array([[3], [1], [5], [2]])
LOSSES = rng.gamma(2, size=MASK.shape)
MASKED = {
    "sentences of 3, 1, 5 and 2 words": (LOSSES, MASK),
    "infinity in the padding": (np.where(MASK, LOSSES, np.inf), MASK),
    "a sentence that is all padding": (
        np.where(MASK & (np.arange(4) != 3)[:, None], LOSSES, 0.7),
        MASK & (np.arange(4) != 3)[:, None],
    ),
    "a loss of 250": (LOSSES + 250.0 * (LOSSES == LOSSES[0, 1]), MASK),
    "an infinite loss of a real word": (np.where(np.arange(5) == 2, np.inf, LOSSES), MASK),
}


def words_of(sentences):
    """Return all words, one after the other."""
    return [word for sentence in sentences for word in sentence]


def unknown_share(train, held_out, min_count):
    """Return the share of held-out words that training has fewer than min_count times."""
    counts, words = Counter(words_of(train)), words_of(held_out)
    return sum(counts[word] < min_count for word in words) / len(words)


def share_of_kinds(train, held_out, min_count):
    """Count each word of the held-out part once."""
    return unknown_share(train, [sorted(set(words_of(held_out)))], min_count)


def share_of_sentences(train, held_out, min_count):
    """Count sentences that have an unknown word."""
    return float(np.mean([unknown_share(train, [sentence], min_count) > 0 for sentence in held_out]))


def mean_of_sentences(train, held_out, min_count):
    """Average the shares of sentences."""
    return float(np.mean([unknown_share(train, [sentence], min_count) for sentence in held_out]))


def embedding_forward(E, ids):
    """Return x = E[ids] and the cache (ids, V)."""
    return E[ids], (ids, len(E))


def embedding_backward(dx, cache):
    """Return dE, (V, E)."""
    ids, V = cache
    layer = Embedding(np.zeros((V, dx.shape[1])))
    return layer.backward(dx, EmbeddingCache(ids))[0].E


def last_place(dx, cache):
    """Keep one place of each word."""
    dE = np.zeros((cache[1], dx.shape[1]))
    dE[cache[0]] += dx
    return dE


def first_place(dx, cache):
    """Keep the first place of each word."""
    return last_place(dx[::-1], (cache[0][::-1], cache[1]))


def mean_of_places(dx, cache):
    """Divide by how often a word stands."""
    return embedding_backward(dx, cache) / np.maximum(np.bincount(cache[0], minlength=cache[1]), 1)[:, None]


def pad(sentences, ids_of, unknown=UNK):
    """Return ids (B, S) and mask (B, S)."""
    mask = np.arange(max(map(len, sentences))) < np.array([[len(sentence)] for sentence in sentences])
    ids = np.full(mask.shape, PAD)
    ids[mask] = [ids_of.get(word, unknown) for word in words_of(sentences)]
    return ids, mask


def dropped(sentences, ids_of):
    """Leave unknown words out."""
    return pad([[word for word in sentence if word in ids_of] for sentence in sentences], ids_of)


def in_front(sentences, ids_of):
    """Pad at the beginning."""
    ids, mask = pad([sentence[::-1] for sentence in sentences], ids_of)
    return ids[:, ::-1], mask[:, ::-1]


def filled(with_id):
    """Return a mistake that writes another id into the padding."""

    def mistake(sentences, ids_of):
        ids, mask = pad(sentences, ids_of)
        return np.where(mask, ids, with_id), mask

    return mistake


def turned(sentences, ids_of):
    """Say True where there is padding."""
    ids, mask = pad(sentences, ids_of)
    return ids, ~mask


def unknown_masked(sentences, ids_of):
    """Take unknown words for padding in the mask."""
    ids, mask = pad(sentences, ids_of)
    return ids, mask & (ids != UNK)


def one_short(sentences, ids_of):
    """Forget the last word of each sentence in the mask."""
    ids, mask = pad(sentences, ids_of)
    return ids, np.pad(mask, ((0, 0), (0, 1)))[:, 1:] & mask


def cut(sentences, ids_of):
    """Make all sentences as short as the shortest."""
    shortest = min(map(len, sentences))
    return pad([sentence[:shortest] for sentence in sentences], ids_of)


def masked_mean(losses, mask):
    """Return the mean over the real words."""
    return losses[mask].mean()


def over_all_places(losses, mask):
    """Divide by the number of places."""
    return losses[mask].sum() / losses.size


def over_sentences(losses, mask):
    """Average the means of sentences."""
    return np.mean([row[real].mean() for row, real in zip(losses, mask)])


def a_sum_over_sentences(losses, mask):
    """Divide by the number of sentences."""
    return losses[mask].sum() / len(losses)
