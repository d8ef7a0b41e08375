"""The grader of lesson 03, graded."""

from collections import Counter
from itertools import chain

import numpy as np
import pytest

from minis2s.classroom.exercises.lesson_03 import grade
from minis2s.data.vocabulary import Vocabulary
from tests.classroom.graded import check

EXERCISES = grade.exercises


def by_library(train, held_out, min_count):
    vocabulary = Vocabulary.build(train, min_count)
    ids = [i for sentence in held_out for i in vocabulary.encode(sentence)]
    return np.mean(np.array(ids) == 3)


def by_loops(train, held_out, min_count):
    counts, unknown, total = {}, 0, 0
    for sentence in train:
        for word in sentence:
            counts[word] = counts.get(word, 0) + 1
    for sentence in held_out:
        for word in sentence:
            total += 1
            unknown += counts.get(word, 0) < min_count
    return unknown / total


def per_kind(train, held_out, min_count):
    counts, kinds = Counter(chain(*train)), set(chain(*held_out))
    return sum(counts[word] < min_count for word in kinds) / len(kinds)


def per_sentence(train, held_out, min_count):
    counts = Counter(chain(*train))
    return sum(any(counts[word] < min_count for word in sentence) for sentence in held_out) / len(held_out)


def average_of_sentences(train, held_out, min_count):
    return np.mean([by_loops(train, [sentence], min_count) for sentence in held_out])


def with_the_counts_spoilt(train, held_out, min_count):
    train.append(held_out[0])
    return by_loops(train, held_out, min_count)


def test_unknown_share():
    wrong = [
        (lambda train, held_out, n: by_loops(train + held_out, held_out, n), "the held-out part was counted"),
        (lambda train, held_out, n: by_loops(list(map(set, train)), held_out, n), "twice in one sentence"),
        (lambda train, held_out, n: by_loops(train, train, n), "share of the training words"),
        (per_kind, "each different word once"),
        (per_sentence, "the share of sentences"),
        (average_of_sentences, "the mean of the sentences' shares"),
        (lambda train, held_out, n: 1 - by_loops(train, held_out, n), "the share of known words"),
        (lambda train, held_out, n: by_loops(train, held_out, n + 1), "at least, not more than"),
        (lambda train, held_out, n: by_loops(train, held_out, 1), "min_count has no effect"),
        (lambda train, held_out, n: by_loops(train, held_out, n) * sum(map(len, held_out)), "that is their number"),
        (
            lambda train, held_out, n: by_loops(train, held_out, n) * sum(map(len, held_out)) / sum(map(len, train)),
            "not of training words",
        ),
        (lambda train, held_out, n: 100 * by_loops(train, held_out, n), "100"),
        (with_the_counts_spoilt, "changed its argument train"),
    ]
    check(EXERCISES["unknown_share"], [by_library, by_loops], wrong)


def by_onehot(dx, cache):
    ids, V = cache
    return np.eye(V)[ids].T @ dx


def place_by_place(dx, cache):
    ids, V = cache
    dE = np.zeros((V, dx.shape[1]))
    for i, k in enumerate(ids):
        dE[k] += dx[i]
    return dE


def written_over(dx, cache):
    ids, V = cache
    dE = np.zeros((V, dx.shape[1]))
    dE[ids] += dx
    return dE


def assigned(dx, cache):
    ids, V = cache
    dE = np.zeros((V, dx.shape[1]))
    for i, k in enumerate(ids):
        dE[k] = dx[i]
    return dE


def first_only(dx, cache):
    ids, V = cache
    dE = np.zeros((V, dx.shape[1]))
    for i in range(len(ids))[::-1]:
        dE[ids[i]] = dx[i]
    return dE


def averaged(dx, cache):
    ids, V = cache
    return np.array([dx[ids == k].mean(0) if (ids == k).any() else 0 * dx[0] for k in range(V)])


def gathered(dx, cache):
    return dx[cache[0] % len(dx)]


def test_embedding_backward():
    wrong = [
        (written_over, "blamed for the last one only"),
        (assigned, "blamed for the last one only"),
        (first_only, "blamed for the first one only"),
        (averaged, "the mean over a word's places"),
        (lambda dx, cache: by_onehot(dx, cache) / len(dx), "the mean over all places"),
        (lambda dx, cache: by_onehot(dx, cache).T, "right, but transposed"),
        (lambda dx, cache: -by_onehot(dx, cache), "sign"),
        (gathered, "its shape is (6, 3), wanted (5, 3)"),
        (lambda dx, cache: np.eye(cache[1])[cache[0]] @ dx, "raised ValueError"),
    ]
    check(EXERCISES["embedding_backward"], [by_onehot, place_by_place], wrong)


def with_lists(sentences, ids_of):
    S = max(len(sentence) for sentence in sentences)
    ids = [[ids_of.get(word, 3) for word in sentence] + [0] * (S - len(sentence)) for sentence in sentences]
    mask = [[True] * len(sentence) + [False] * (S - len(sentence)) for sentence in sentences]
    return np.array(ids), np.array(mask)


def from_ids(sentences, ids_of):
    ids, _ = with_lists(sentences, ids_of)
    return ids, ids != 0  # right: no word has the id 0


def words_changed(how):
    return lambda sentences, ids_of: with_lists([how(sentence, ids_of) for sentence in sentences], ids_of)


def padded_in_front(sentences, ids_of):
    S = max(map(len, sentences))
    ids = [[0] * (S - len(sentence)) + [ids_of.get(word, 3) for word in sentence] for sentence in sentences]
    return np.array(ids), np.array(ids) != 0


def to_zero(sentences, ids_of):
    mask = with_lists(sentences, ids_of)[1]
    ids = np.zeros(mask.shape, int)
    for i, sentence in enumerate(sentences):
        ids[i, : len(sentence)] = [ids_of.get(word, 0) for word in sentence]
    return ids, mask


def minus_one(sentences, ids_of):
    ids, mask = with_lists(sentences, ids_of)
    ids[~mask] = -1
    return ids, mask


def ends(sentences):
    """Return False at the last word of each sentence and behind it."""
    S = max(map(len, sentences))
    return np.array([[t < len(sentence) - 1 for t in range(S)] for sentence in sentences])


def test_pad():
    wrong = [
        (to_zero, "an unknown word became padding"),
        (words_changed(lambda sentence, ids_of: [word for word in sentence if word in ids_of]), "are left out"),
        (padded_in_front, "it goes behind the end"),
        (lambda s, d: (with_lists(s, d)[0], ~with_lists(s, d)[1]), "True where there is padding"),
        (lambda s, d: (with_lists(s, d)[0], with_lists(s, d)[0] > 3), "an unknown word is real, too"),
        (lambda s, d: with_lists([x[: min(map(len, s))] for x in s], d), "cut to the shortest"),
        (minus_one, "this has -1"),
        (lambda s, d: (with_lists(s, d)[0], ends(s)), "the last word"),
        (lambda s, d: (with_lists(s, d)[0] * 1.0, with_lists(s, d)[1]), "as an index they have to be whole"),
        (lambda s, d: (with_lists(s, d)[0], with_lists(s, d)[1] * 1), "it has to be bool"),
        (lambda s, d: (with_lists(s, d)[0].astype(np.int8), with_lists(s, d)[1]), "int8, which ends at 127"),
        (lambda s, d: (with_lists(s, d)[0].astype(np.uint16), with_lists(s, d)[1]), "there are numbers up to 99999"),
        (lambda s, d: with_lists(s, d)[0], "returned 1 array; wanted: ids, mask"),
        (lambda s, d: with_lists(s, d)[::-1], "ids and mask are in each other's places"),
        (lambda s, d: ([[d.get(w, 3) for w in x] for x in s],) * 2, "ids is no array: its rows differ in length"),
        (lambda s, d: ([[d[w] for w in x] for x in s],) * 2, "KeyError"),
    ]
    right = [with_lists, from_ids, lambda s, d: [array.tolist() for array in with_lists(s, d)]]
    right += [lambda s, d, n=n: (with_lists(s, d)[0].astype(n), with_lists(s, d)[1]) for n in (np.uint32, np.uint64)]
    check(EXERCISES["pad"], right, wrong)


def picked(losses, mask):
    return losses[mask].mean()


def zeroed(losses, mask):
    return np.where(mask, losses, 0).sum() / mask.sum()


def in_loops(losses, mask):
    total, count = 0.0, 0
    for i, t in np.ndindex(*mask.shape):
        if mask[i, t]:
            total, count = total + losses[i, t], count + 1
    return total / count


def test_masked_mean():
    wrong = [
        (lambda losses, mask: losses.mean(), "where is the mask?"),
        (lambda losses, mask: np.where(mask, losses, 0).mean(), "divided by all places"),
        (lambda losses, mask: np.mean([row[real].mean() for row, real in zip(losses, mask)]), "that is line 3"),
        (lambda losses, mask: losses[mask].sum(), "that is the sum"),
        (lambda losses, mask: losses[mask].sum() / len(losses), "per sentence"),
        (lambda losses, mask: losses[~mask].mean(), "the mean over the padding"),
        (lambda losses, mask: (losses * mask).sum() / mask.sum(), "do not multiply it away"),
        (lambda losses, mask: -picked(losses, mask), "sign"),
        (lambda losses, mask: (np.clip(losses, 0, 100) * mask).sum() / mask.sum(), "a loss of 250"),
        (lambda losses, mask: (np.nan_to_num(losses, posinf=0) * mask).sum() / mask.sum(), "an infinite loss"),
        (lambda losses, mask: np.ma.masked_invalid(np.where(mask, losses, np.nan)).mean(), "an infinite loss"),
        (lambda losses, mask: losses[mask], "right after .mean(0)"),
    ]
    check(EXERCISES["masked_mean"], [picked, zeroed, in_loops], wrong)


@pytest.mark.parametrize(
    "name, right, wrong",
    [
        ("lost", "B", {"A": "reads dE[ids] once", "C": "which one stays?"}),
        ("empty", "C", {"A": "the longest of 64", "B": "the longest of 64"}),
        ("unchanged", "B", {"A": "when padding is put behind it?", "C": "losses.size"}),
    ],
)
def test_predictions(name, right, wrong):
    others = [("D", "choose one of A, B, C"), (2, "you gave 2"), ([right], "in quotes")]
    check(EXERCISES[name], [right, f" {right.lower()}"], [*wrong.items(), *others])
