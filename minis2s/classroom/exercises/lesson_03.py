"""Exercises of lesson 03, words to batches."""

from minis2s.classroom.exercises.kinds import backward_exercise, function_exercise, prediction_exercise
from minis2s.classroom.exercises.lesson_03_reference import (
    LOOKED_UP,
    MASKED,
    PARTS,
    RAGGED,
    a_sum_over_sentences,
    cut,
    dropped,
    embedding_backward,
    embedding_forward,
    filled,
    first_place,
    in_front,
    last_place,
    masked_mean,
    mean_of_places,
    mean_of_sentences,
    one_short,
    over_all_places,
    over_sentences,
    pad,
    share_of_kinds,
    share_of_sentences,
    turned,
    unknown_masked,
    unknown_share,
    words_of,
)
from minis2s.classroom.grading import Lesson
from minis2s.data.vocabulary import PAD, UNK

grade = Lesson(
    "03",
    [
        function_exercise(
            "unknown_share",
            "Return the share of held-out words that a vocabulary of the training part does not know.",
            unknown_share,
            PARTS,
            hints=(
                "Count the words of train, all sentences together. Then go through the words of held_out one by one.",
                "A word is unknown if its count in train is below min_count; divide by the number of held-out words.",
            ),
            outputs=("the share",),
            mistakes={
                "that is the share of the training words that are unknown; "
                "asked is that of the held-out ones": lambda train, held_out, min_count: unknown_share(
                    train, train, min_count
                ),
                "a word that stands twice in one sentence counts twice": lambda train, held_out, min_count: (
                    unknown_share(list(map(set, train)), held_out, min_count)
                ),
                "the held-out part was counted, too: "
                "then what is new in it is known before it comes": lambda train, held_out, min_count: unknown_share(
                    [*train, *held_out], held_out, min_count
                ),
                "that counts each different word once; wanted are running words, repeats counted": share_of_kinds,
                "that is the share of sentences with an unknown word; wanted is that of words": share_of_sentences,
                "that is the mean of the sentences' shares: words in short sentences count more": mean_of_sentences,
                "that is the share of known words": lambda train, held_out, min_count: (
                    1 - unknown_share(train, held_out, min_count)
                ),
                "a word seen just min_count times is kept: at least, "
                "not more than": lambda train, held_out, min_count: unknown_share(train, held_out, min_count + 1),
                "it is to be divided by the number of held-out words, "
                "not of training words": lambda train, held_out, min_count: (
                    unknown_share(train, held_out, min_count) * len(words_of(held_out)) / len(words_of(train))
                ),
                "min_count has no effect": lambda train, held_out, min_count: unknown_share(train, held_out, 1),
                "that is their number; wanted is a share, from 0 to 1": lambda train, held_out, min_count: (
                    unknown_share(train, held_out, min_count) * len(words_of(held_out))
                ),
            },
            praise="An honest share: held-out words are looked up and never counted.",
        ),
        prediction_exercise(
            "lost",
            'The ids are 2, 0, 2, and dx is 1, 5, 10: what does dE[ids] += dx leave in dE[2]? "A", "B" or "C".',
            {"A": "11", "B": "10", "C": "1"},
            right="B",
            why_not={
                "A": "that is what it should be. But NumPy reads dE[ids] once, three values, before it writes any",
                "C": "two values are written into dE[2], one after the other: which one stays?",
            },
            praise="The three sums are 0 + 1, 0 + 5 and 0 + 10; the last one written stays, and the 1 is lost.",
        ),
        backward_exercise(
            "embedding_backward",
            "Return dE (V, E): to each word's row, the sum of dx over all places where it stands.",
            embedding_forward,
            embedding_backward,
            LOOKED_UP,
            hints=(
                "Begin with zeros (V, E). Each row i of dx belongs to row ids[i] of dE, and is added there.",
                "np.add.at(dE, ids, dx), or a loop: for i, k in enumerate(ids): dE[k] += dx[i].",
            ),
            mistakes={
                "a word that stands in several places is blamed for the last one only: += with repeated ids "
                "writes over itself": last_place,
                "a word that stands in several places is blamed for the first one only": first_place,
                "the mean over a word's places; it is used in each of them, so it gets the sum": mean_of_places,
                "the mean over all places; the loss has taken its mean already, "
                "and here is the sum": lambda dx, cache: embedding_backward(dx, cache) / len(dx),
            },
            sizes=lambda E, ids: {"N": len(ids), "V": len(E)},
            praise="Every place counts. It is the product onehot^T dx, without the zeros.",
        ),
        prediction_exercise(
            "empty",
            'What share of a batch of 64 sentences of 2 to 16 words, 7.4 on average, is padding? "A", "B" or "C".',
            {"A": "about a tenth", "B": "about a quarter", "C": "about a half"},
            right="C",
            why_not={
                "A": "how long will the longest of 64 sentences be, and how full is a row of 7.4 words then?",
                "B": "how long will the longest of 64 sentences be, and how full is a row of 7.4 words then?",
            },
            praise="Among 64 there is nearly always a long one, say of 14 words; and 7.4 of 14 is about a half.",
        ),
        function_exercise(
            "pad",
            "Return the padded ids (B, S) and the mask (B, S) of sentences of words.",
            pad,
            RAGGED,
            hints=(
                "S is the length of the longest sentence. Begin with ids full of 0 and a mask full of False.",
                "ids[i, :n] = [ids_of.get(word, 3) for word in sentence] and mask[i, :n] = True with n its length.",
            ),
            outputs=("ids", "mask"),
            mistakes={
                "an unknown word became padding; it is a word all the same, of id 3": lambda s, d: pad(s, d, PAD),
                "unknown words are left out, and all that follow move up; each becomes an id 3": dropped,
                "the padding stands in front; it goes behind the end": in_front,
                "True is a real word; this has True where there is padding": turned,
                "an unknown word is real, too: it counts in the mask": unknown_masked,
                "the last word of each sentence is missing": one_short,
                "all are cut to the shortest; the rectangle is as wide as the longest": cut,
                "padding is 0; this has 3, as if unknown words stood there": filled(UNK),
                "padding is 0; this has -1, which in E[-1] is the last word": filled(-1),
            },
            praise="What stands in the padding no longer matters, as long as everyone asks the mask.",
        ),
        prediction_exercise(
            "unchanged",
            'Which of the four lines do not change when padding is appended? "A", "B" or "C".',
            {"A": "4 alone", "B": "3 and 4", "C": "2, 3 and 4"},
            right="B",
            why_not={
                "A": "does the mean of one sentence change when padding is put behind it?",
                "C": "what is losses.size, and does the mask change it?",
            },
            praise="Both count real words only. And yet they are two different numbers: see the figure.",
        ),
        function_exercise(
            "masked_mean",
            "Return the mean loss over the real words, whatever stands in the padding.",
            masked_mean,
            MASKED,
            hints=(
                "How many real words are there? And what is infinity times 0?",
                "losses[mask] picks the real ones, (N,). Or put 0 into the padding with np.where before you add up.",
            ),
            outputs=("the loss",),
            mistakes={
                "padding counts as well: where is the mask?": lambda losses, mask: losses.mean(),
                "the sum leaves the padding out, but it is divided by all places: more padding, "
                "smaller loss": over_all_places,
                "that is line 3, the mean of the sentences' means: words in short sentences count more": over_sentences,
                "that is the sum; wanted is the mean": lambda losses, mask: losses[mask].sum(),
                "that is per sentence; wanted is per real word": a_sum_over_sentences,
                "that is the mean over the padding": lambda losses, mask: losses[~mask].mean(),
                "0 times infinity is not a number: leave the padding out, "
                "do not multiply it away": lambda losses, mask: (losses * mask).sum() / mask.sum(),
            },
            praise="More padding, and whatever stands in it, changes nothing.",
        ),
    ],
)
