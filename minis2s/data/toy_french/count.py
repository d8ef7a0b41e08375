"""How many sentences there are: a lower bound that can be checked, from one kind of sentence."""

from minis2s.data.toy_french.clauses import FORMS
from minis2s.data.toy_french.nouns import ADJECTIVES_OF, OWNED, noun_phrase
from minis2s.data.toy_french.verbs import VERBS
from minis2s.data.toy_french.words import NOUNS, PEOPLE, POSSESSIVES, PRONOUNS, THE, THIS, Noun

# Verbs that take a noun and no preposition, whose English forms in these tenses differ from one another
COUNTED = tuple(verb for verb in VERBS.values() if verb.pattern == "object" and verb.en_past != "-")
COUNTED_FORMS = tuple(form for form in FORMS if form[0] in ("present", "past", "future") and form[1] != "often")


def known_phrases(kinds: tuple[str, ...]) -> list[str]:
    """Return every English noun phrase with the, this or a possessive, and at most one adjective, of these classes."""
    return [
        " ".join(noun_phrase(noun, plural, determiner, adjective).phrase.en)
        for noun in NOUNS
        if noun.kind in kinds or noun.en in kinds
        for plural in _numbers(noun)
        for determiner in (THE, THIS, *(POSSESSIVES if noun.kind in OWNED else ()))
        for adjective in (None, *ADJECTIVES_OF.get(noun.kind, ()))
    ]


def _numbers(noun: Noun) -> tuple[bool, ...]:
    return (False,) if noun.mass else (False, True)


def count_statements() -> int:
    """Count the statements of the form subject, verb, known object, without adverb, time or place.

    Subject and object are phrases of `known_phrases`, and the subject may be a pronoun. No two choices make the same
    sentence: no word of a verb is in a noun phrase, so the words of the verb show where the subject ends and the object
    begins. Nor is any too long: a phrase has at most four words (six for potatoes in French) and the verb five. Tests
    check both.
    """
    subjects = len(PRONOUNS) + len(known_phrases(PEOPLE))
    objects = {verb.kinds: len(known_phrases(verb.kinds)) for verb in COUNTED}
    return sum(subjects * len(COUNTED_FORMS) * objects[verb.kinds] for verb in COUNTED)
