"""The tasks: every made pair is right, and the files in datasets/ are what the tasks make."""

import re
from collections import Counter
from datetime import date, datetime, timedelta

import numpy as np
import pytest

from minis2s.data.dates import FORMS, make_date, write_date
from minis2s.data.pairs import Pair, format_pairs, read_pairs
from minis2s.data.tasks import DATASETS, TASKS, Task, make_pairs
from minis2s.data.units import check_alignments
from minis2s.errors import InputError
from tests.conftest import ROOT

FOLDER = ROOT / "datasets"
LETTER_TASKS = {
    "copy": lambda source: source,
    "reversal": lambda source: "".join(reversed(source)),
    "sort": lambda source: "".join(sorted(source)),
}


def need_package(task):
    if package := TASKS[task].package:
        pytest.importorskip(package, reason="the words of this task: the extra dev")


@pytest.mark.slow
@pytest.mark.parametrize("name", DATASETS)
def test_data_sets_are_what_the_tasks_make(name):
    need_package(name)
    made = format_pairs(make_pairs(name, DATASETS[name], seed=0))
    assert made.encode() == (FOLDER / f"{name}.tsv").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_pairs_follow_the_seed_and_are_distinct(task):
    need_package(task)
    pairs = make_pairs(task, 2000, seed=3)
    assert pairs == make_pairs(task, 2000, seed=3)
    assert pairs[:50] == make_pairs(task, 50, seed=3)
    assert pairs != make_pairs(task, 2000, seed=4)
    assert len({pair.source for pair in pairs}) == len(pairs) == 2000
    check_alignments("made", pairs, "char")


@pytest.mark.parametrize("task", TASKS)
def test_pairs_are_read_back(task, tmp_path):
    need_package(task)
    pairs = make_pairs(task, 100, seed=1)
    (tmp_path / "made.tsv").write_text(format_pairs(pairs), encoding="utf-8", newline="")
    assert [pair._replace(line=0) for pair in read_pairs(tmp_path / "made.tsv")] == pairs


@pytest.mark.parametrize(("task", "expected"), LETTER_TASKS.items())
def test_letter_tasks(task, expected):
    pairs = make_pairs(task, 3000, seed=0)
    lengths = Counter(len(pair.source) for pair in pairs)
    assert sorted(lengths) == list(range(3, 13)) and min(lengths.values()) > 200
    assert set("".join(pair.source for pair in pairs)) == set("abcdefghijklmnopqrstuvwxyz")
    for source, target, alignment, _ in pairs:
        assert target == expected(source)
        assert [i for i, _ in alignment] == list(range(len(source)))
        assert sorted(j for _, j in alignment) == list(range(len(source)))
        assert all(source[i] == target[j] for i, j in alignment)


def test_alignments_of_equal_letters():
    rng = np.random.default_rng(0)
    for _ in range(300):
        source, _, alignment, _ = TASKS["sort"].make(rng)
        to = dict(alignment)
        assert all(to[i] < to[k] for k in to for i in range(k) if source[i] == source[k])  # equal letters keep order
        source, _, alignment, _ = TASKS["reversal"].make(rng)
        assert alignment == tuple((i, len(source) - 1 - i) for i in range(len(source)))
        source, _, alignment, _ = TASKS["copy"].make(rng)
        assert alignment == tuple((i, i) for i in range(len(source)))


@pytest.mark.parametrize("task", ["addition", "addition-reversed"])
def test_sums(task):
    rng = np.random.default_rng(0)
    digits, numbers = Counter(), set()
    for _ in range(9000):
        source, target, alignment, _ = TASKS[task].make(rng)
        a, b = (source if task == "addition" else source[::-1]).split("+")
        assert target == str(int(a) + int(b)) and alignment is None
        for number in (a, b):
            assert number == str(int(number))  # no leading zeros
            numbers.add(int(number))
            digits[len(number)] += 1
    assert all(abs(digits[n] - 6000) < 300 for n in (1, 2, 3)) and digits.total() == 18_000
    assert {0, 9, 10, 99, 100, 999} <= numbers


# Dates


def read_date(text):
    """Read a date as the forms' English means it, with Python's own calendar; give the day and any weekday named."""
    text = re.sub(r"[,.\-/]", " ", text.lower())
    text = re.sub(r"(\d)(st|nd|rd|th)\b", r"\1", text)
    words = [word for word in text.split() if word not in ("the", "of")]
    weekday = words.pop(0) if words[0][:3] in ("mon", "tue", "wed", "thu", "fri", "sat", "sun") else None
    readings = set()
    for order in ("{} %d %Y", "%d {} %Y", "%Y {} %d"):
        for month in ("%B", "%b"):
            try:
                readings.add(datetime.strptime(" ".join(words), order.format(month)).date())
            except ValueError:
                continue
    (day,) = readings  # exactly one
    return day, weekday


def test_there_are_many_forms():
    assert len(FORMS) == len(set(FORMS.values())) >= 12


@pytest.mark.slow
@pytest.mark.parametrize(("form", "example"), FORMS.items())
def test_every_form_has_one_reading(form, example):
    assert write_date(date(1999, 3, 4), form) == example
    for days in range(0, 73_049, 97):  # 1900-01-01 to 2099-12-31, all weekdays and months
        day = date(1900, 1, 1) + timedelta(days)
        text = write_date(day, form)
        read, weekday = read_date(text)
        assert read == day and str(day.year) in text
        assert weekday in (None, day.strftime("%A").lower(), day.strftime("%a").lower())


def test_endings_of_ordinals():
    form = "{month} {nth}, {year}"
    endings = {day: write_date(date(2000, 1, day), form)[len("January ") : -len(", 2000")] for day in range(1, 32)}
    irregular = {1: "1st", 2: "2nd", 3: "3rd", 21: "21st", 22: "22nd", 23: "23rd", 31: "31st"}
    assert endings == {day: f"{day}th" for day in range(1, 32)} | irregular


def test_may_is_not_an_abbreviation():
    assert write_date(date(2000, 5, 1), "{abbr} {day}, {year}") == "May 1, 2000"


@pytest.mark.slow
def test_dates_of_the_data_set():
    pairs = read_pairs(FOLDER / "dates.tsv")
    for source, target, alignment, _ in pairs:
        day, weekday = read_date(source)
        assert target == day.isoformat() and alignment is None
        assert weekday in (None, day.strftime("%A").lower(), day.strftime("%a").lower())
    days = {pair.target for pair in pairs}
    assert min(days)[:4] == "1900" and max(days)[:4] == "2099"
    assert {"02-29", "12-31", "01-01"} <= {day[5:] for day in days}
    assert len({day[:4] for day in days}) == 200


@pytest.mark.slow
def test_every_form_case_and_punctuation_occurs():
    rng = np.random.default_rng(0)
    seen = Counter()
    for _ in range(6000):
        source, target, *_ = make_date(rng)
        day = date.fromisoformat(target)
        for form in FORMS:
            text = write_date(day, form)
            for commas, dots in ((1, 1), (1, 0), (0, 1), (0, 0)):
                plain = text if commas else text.replace(",", "")
                plain = plain if dots else plain.replace(".", "")
                for case in (str, str.lower, str.upper):
                    seen[form, commas, dots, case] += case(plain) == source
    assert len(seen) == len(FORMS) * 4 * 3
    assert min(seen.values()) > 0


def test_the_range_of_days():
    class Extreme:
        """Draws the least or the greatest number there is."""

        def __init__(self, greatest):
            self.greatest = greatest

        def integers(self, low, high=None):
            low, high = (0, low) if high is None else (low, high)
            return high - 1 if self.greatest else low

    assert make_date(Extreme(False)).target == "1900-01-01"
    assert make_date(Extreme(True)).target == "2099-12-31"


# Bad requests


def test_unknown_task():
    with pytest.raises(InputError, match=f"'translation'.*{re.escape(', '.join(TASKS))}\\Z"):
        make_pairs("translation", 10, 0)


@pytest.mark.parametrize("size", [0, -1])
def test_size_too_small(size):
    with pytest.raises(InputError, match=rf"size {size} .*at least 1"):
        make_pairs("copy", size, 0)


def test_negative_seed():
    with pytest.raises(InputError, match=r"seed -1 .*give"):
        make_pairs("copy", 1, -1)


def test_a_task_with_too_few_pairs(monkeypatch):
    monkeypatch.setitem(TASKS, "number", Task("0 to 299", lambda rng: Pair(str(rng.integers(300)), "x")))
    assert {int(pair.source) for pair in make_pairs("number", 300, 0)} == set(range(300))  # takes many redraws
    with pytest.raises(InputError, match=r"task number cannot make 301 .*after 300,.*ask for fewer\Z"):
        make_pairs("number", 301, 0)


def test_the_card_shows_every_form_and_command():
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    for example in FORMS.values():
        assert f"`{example}`" in card
    for name, size in DATASETS.items():
        assert f"python -m minis2s data {name} --size {size} --seed 0 > datasets/{name}.tsv" in card
        assert f"{len((FOLDER / f'{name}.tsv').read_bytes()):,} bytes" in card
