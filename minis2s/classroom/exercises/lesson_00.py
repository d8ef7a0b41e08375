"""Exercises of lesson 00, the tour."""

from minis2s import metrics
from minis2s.classroom.exercises.kinds import function_exercise, number_exercise, prediction_exercise
from minis2s.classroom.grading import Lesson


def words(line):
    """Return the words of a line, each a new text, which equals another one and is never the same object."""
    return ["".join(list(word)) for word in line.split(",")]


WORDS = {
    "five of seven words right, two wrong in one letter": (
        words("cba,ba,fex,dcd,hg,gh,cb"),
        words("cba,ba,fed,dcd,hg,gf,cb"),
    ),
    "a word that stops too soon, and one that goes on too long": (["cb", "bab", "fed", "a"], ["cba", "ba", "fed", "a"]),
    "the right words in each other's places": (["ba", "dc", "e", "x", "y"], ["dc", "ba", "e", "z", "w"]),
    "nothing right": (["a", "b"], ["b", "c"]),
    "letters in another order, capitals, spaces": (
        words("abc,CBA,ED,ba,gh ,ih,da,hgi"),
        words("cba,cba,ed,ba,gh,ih,ad,igh"),
    ),
}


def alike(of):
    """Return a mistake that counts a word as right where something of it, such as its sorted letters, is right."""
    return lambda hypotheses, references: sum(of(h) == of(r) for h, r in zip(hypotheses, references)) / len(references)


def letters(hypotheses, references):
    """Return the fraction of letters that are right, place by place."""
    right = sum(a == b for h, r in zip(hypotheses, references) for a, b in zip(h, r))
    return right / sum(map(len, references))


def beginnings(hypotheses, references):
    """Count a word as right if no letter differs as far as both go."""
    right = [all(a == b for a, b in zip(h, r)) for h, r in zip(hypotheses, references)]
    return sum(right) / len(right)


grade = Lesson(
    "00",
    [
        number_exercise(
            "whole_word",
            "How likely is a word of eight letters, every sign 0.9, the end sign included?",
            0.9**9,
            hints=(
                "Equation (1): multiply one probability for every sign that is written. How many signs are written?",
                "Eight letters and the end sign: 0.9 nine times over.",
            ),
            tolerance=8e-3,  # two decimals will do
            mistakes={
                "that is eight times 0.9; `<eos>` has to be right, too": 0.9**8,
                "that is one sign; the word needs all of its signs": 0.9,
                "that is the chance that every sign is wrong": 0.1**9,
                "that is the chance that something is wrong; asked is that all is right": 1 - 0.9**9,
                "that is ten times; `<bos>` is read, but nobody has to write it": 0.9**10,
                "probabilities of one thing after another are multiplied, not added": 8.1,
                "probabilities are multiplied, not added; and `<eos>` counts, too": 7.2,
                "in per cent it is right; give it as a fraction of 1": 100 * 0.9**9,
            },
            praise="Nine good steps, and the word is more likely wrong than right.",
        ),
        function_exercise(
            "exact_match",
            "Return the fraction of hypotheses that equal their reference as a whole.",
            metrics.exact_match,
            WORDS,
            hints=(
                "zip(hypotheses, references) gives them pair by pair. When is a pair right?",
                "h == r is True or False; the sum of a list of those counts the Trues. Divide by how many there are.",
            ),
            outputs=("the fraction",),
            mistakes={
                "this finds a word right that has the right letters in another order": alike(sorted),
                "capitals count: CBA is not cba": alike(str.lower),
                "spaces count: a word with one more sign is another word": alike(str.strip),
                "this counts right letters; a word with one wrong letter is a wrong word": letters,
                "this counts right letters, and divides by the number of words; "
                "count the words that are all right": lambda hypotheses, references: (
                    letters(hypotheses, references) * sum(map(len, references)) / len(references)
                ),
                "this counts a word as right that stops too soon or goes on too long: "
                "zip ends with the shorter": beginnings,
                "this counts; divide by how many there are": lambda hypotheses, references: (
                    metrics.exact_match(hypotheses, references) * len(references)
                ),
                "this is in per cent; give a fraction between 0 and 1": lambda hypotheses, references: (
                    100 * metrics.exact_match(hypotheses, references)
                ),
                "this is 0 or 1. Did you ask whether all are right at once? Does // or int() cut the fraction off? "
                "Or is it `is`, "
                "which asks whether two texts are one object in memory?": lambda hypotheses, references: float(
                    hypotheses == references
                ),
                "this comes out if the loop returns at the first right word, "
                "before it has seen the others": lambda hypotheses, references: (
                    float(metrics.exact_match(hypotheses, references) > 0) / len(hypotheses)
                ),
                "the last pair is left out: range(n) ends at n - 1 by itself": lambda hypotheses, references: (
                    metrics.exact_match(hypotheses[:-1], references[:-1]) * (len(references) - 1) / len(references)
                ),
                "this counts the wrong ones": lambda hypotheses, references: (
                    1 - metrics.exact_match(hypotheses, references)
                ),
                "this finds a word right if it stands anywhere among the references; "
                "it has to equal its own": lambda hypotheses, references: (
                    sum(h in references for h in hypotheses) / len(hypotheses)
                ),
            },
            praise="All or nothing, word by word.",
        ),
        prediction_exercise(
            "first_look",
            'Where does it look when it writes the first letter of "edisaes"? "A", "B" or "C".',
            {"A": "on the first letter of seaside", "B": "on the last letter of seaside", "C": "evenly, on all"},
            right="B",
            why_not={
                "A": "which letter does it have to write first, and where does that stand in the word it read?",
                "C": "the mean of all letters is the same whatever their order: could it know what to write?",
            },
            praise='The first letter of "edisaes" is the last one of "seaside", and there is where to find it.',
        ),
        prediction_exercise(
            "which_n",
            'At which n of "banana" does it look for the second letter of "ananab"? "A", "B" or "C".',
            {"A": "at place 2", "B": "at place 4", "C": "at both alike, since they are the same letter"},
            right="B",
            why_not={
                "A": "it walks from the end of the word to its beginning: which n does it meet first?",
                "C": "the letter is all they have in common; might a row of memory hold more than its letter?",
            },
            praise="It meets that one first on its way back, and tells it from the other.",
        ),
        prediction_exercise(
            "trains",
            'Which of the three slips still trains to 95 % exact match or more? "A", "B" or "C".',
            {"A": "the one that hands nothing back", "B": "without its factor", "C": "with the wrong sign"},
            right="A",
            why_not={
                "B": "the factor stands at every step of every word, both where it reads and where it writes",
                "C": "an update with the wrong sign makes the loss larger, and it does so every time",
            },
            praise="The reading half learns without its past, and the marks hardly show it.",
        ),
        prediction_exercise(
            "where",
            'Where is the new slip? "A", "B", "C" or "D".',
            {"A": "in the cells", "B": "in the embedding", "C": "in the attention", "D": "in the loss"},
            right="B",
            why_not={
                "A": "what does the check say of every array of the encoder's cell and the decoder's?",
                "C": "what does the check say of decoder.attention's three arrays?",
                "D": "every gradient begins at the loss: if that were wrong, which arrays could be right?",
            },
            praise="Two arrays are wrong, the two tables of embeddings, and both go through the same lines.",
            hint="Read the list once more: which arrays are WRONG, and what have they in common?",
        ),
    ],
)
