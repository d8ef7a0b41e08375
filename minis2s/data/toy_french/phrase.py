"""A phrase in two languages, and rules that write larger phrases: the machinery of a synchronous grammar.

A rule is an English and a French text. Words with the same mark after a colon are linked, and a slot in braces stands
for a smaller phrase, which brings its own links, or for words, which are marked like any others:

    rule("{s} did:1 not:2 {see}:3", "{s} ne:2 {a}:1 pas:2 {vu}:3", s=she, see="see", a="a", vu="vu")

gives `she did not see` and `elle ne a pas vu` (spelling makes that `n' a` later), linked she-elle, did-a, not-ne,
not-pas, see-vu. A word may carry several marks (`cannot:12`) and is linked to each word that shares one of them.

References
----------
P. M. Lewis, R. E. Stearns (1968), Syntax-directed transduction, Journal of the ACM 15(3).
D. Wu (1997), Stochastic inversion transduction grammars and bilingual parsing of parallel corpora, Computational
Linguistics 23(3): word alignments from a synchronous grammar.
"""

import re
from functools import cache
from typing import NamedTuple

ITEM = re.compile(r"(?:\{(\w+)\}|(.+?))(?::(\d+))?")  # {slot} or word, then :marks


class Phrase(NamedTuple):
    """English words, French words, and the links between them: (index in `en`, index in `fr`)."""

    en: tuple[str, ...] = ()
    fr: tuple[str, ...] = ()
    links: frozenset[tuple[int, int]] = frozenset()


EMPTY = Phrase()


@cache
def _parse(text: str) -> tuple[tuple[str, str, str], ...]:
    items = (found.groups("") for found in map(ITEM.fullmatch, text.split()) if found)
    return tuple((slot, word, marks) for slot, word, marks in items)


def rule(english: str, french: str, **slots: Phrase | str) -> Phrase:
    """Apply a rule, as the head of this module shows.

    Parameters
    ----------
    english, french : str
        The two sides. A slot that is a Phrase stands at most once on each side.
    **slots : Phrase or str
        What the slots stand for: a linked phrase, or plain words (several with spaces, none if empty).

    Returns
    -------
    Phrase
    """
    sides: list[list[str]] = []  # the words of each side
    marked: list[list[tuple[int, str]]] = []  # index and marks of each marked word
    starts: list[dict[str, int]] = []  # where each phrase begins
    phrases: dict[str, Phrase] = {}
    for side, text in enumerate((english, french)):
        words: list[str] = []
        marks_at: list[tuple[int, str]] = []
        start: dict[str, int] = {}
        for slot, word, marks in _parse(text):
            begin = len(words)
            if word:
                words.append(word)
            elif isinstance(value := slots[slot], str):
                words.extend(value.split())
            else:
                start[slot], phrases[slot] = begin, value
                words.extend(value.fr if side else value.en)
            if marks:
                marks_at.extend((i, marks) for i in range(begin, len(words)))
        sides.append(words)
        marked.append(marks_at)
        starts.append(start)
    links = {(i, j) for i, a in marked[0] for j, b in marked[1] if any(mark in b for mark in a)}
    for slot, begin in starts[0].items():
        if slot in starts[1]:
            links.update((begin + i, starts[1][slot] + j) for i, j in phrases[slot].links)
    return Phrase(tuple(sides[0]), tuple(sides[1]), frozenset(links))


def join(*phrases: Phrase) -> Phrase:
    """Put phrases one after the other, in the same order on both sides."""
    names = [f"p{i}" for i in range(len(phrases))]
    text = " ".join(f"{{{name}}}" for name in names)
    return rule(text, text, **dict(zip(names, phrases)))
