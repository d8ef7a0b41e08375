"""The text format: what is written is read back, and every bad file ends in one line that helps."""

import re
import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minis2s.data.pairs import Pair, check_training_pairs, format_pairs, read_pairs, split_pairs
from minis2s.data.units import check_alignments, choose_units, drop_long
from minis2s.errors import InputError


@pytest.fixture
def write(tmp_path):
    """Write bytes or text to a file and give its path."""

    def write(content):
        path = tmp_path / "pairs.tsv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def numbered(count, targets=1):
    return [Pair(f"s{i}", f"t{i}.{j}", None, 1) for j in range(targets) for i in range(count)]


def raises_one_line(*parts):
    """Expect an InputError whose one line holds every part, in this order."""
    return pytest.raises(InputError, match="^" + ".*".join(["", *map(re.escape, parts), ""]) + r"\Z")


# Reading


def test_columns_alignments_and_line_numbers(write):
    path = write("Guten Tag\tgood day\t0-0 1-1\nja\tyes\tCC-BY 2.0\t0-0\nnein\tno\nab\tba\t0-1 1-0 \tmore\n")
    assert read_pairs(path) == [
        Pair("Guten Tag", "good day", ((0, 0), (1, 1)), 1),
        Pair("ja", "yes", None, 2),
        Pair("nein", "no", None, 3),
        Pair("ab", "ba", ((0, 1), (1, 0)), 4),
    ]


@pytest.mark.parametrize(
    "column",
    [
        "CC-BY 2.0 (France) Attribution: tatoeba.org #1158250 (CM) & #8076 (sacredceltic)",  # a Tatoeba export
        "CC-BY 4.0",
        "x 0-0",
        "2024-01-02",
        "555-0100-22",
        "1984",
        "17 42",
        "doc-17",
        "COVID-19",
        "B-52",
        "a-b c-d",
        "3-4 people",
        "3-4 year-old",
        "a 2-year-old child",
        "24-hour clock",
        "0-0 and so on",
        "- -",
        "٠-٠",
        "",
    ],
)
def test_other_third_columns_are_ignored(write, column):
    assert read_pairs(write(f"a\tb\t{column}\n")) == [Pair("a", "b", None, 1)]


@pytest.mark.parametrize(
    ("column", "link"),
    [
        ("0-a", "0-a"),
        ("0-0 x-1", "x-1"),
        ("1-", "1-"),
        ("0-0 1", "1"),
        ("0-0 -1", "-1"),
        ("0-0 1-1-1", "1-1-1"),
        ("0-0 1--1", "1--1"),
        ("0-0 a-b", "a-b"),
        ("0-O 1-l", "0-O"),
        ("0-0,1-1", "0-0,1-1"),
        ("0-0, 1-1", "0-0,"),
        ("0-1 1-", "1-"),
    ],
)
def test_broken_alignments(write, column, link):
    path = write(f"a\tb\t0-0\nc\td\nx\ty\t{column}\n")
    with raises_one_line(f"{path}, line 3: {link!r} is no link", "write source-target"):
        read_pairs(path)


def test_links_may_stand_apart(write):
    assert read_pairs(write("a b\tb a\t 0-1  1-0 \n"))[0].alignment == ((0, 1), (1, 0))


def test_files_with_some_alignments(write):
    path = write("a\tb\nc\td\t0-0\ne\tf\tCC-BY 2.0\ng\th\n")
    assert [pair.alignment for pair in read_pairs(path)] == [None, ((0, 0),), None, None]


def test_alignment_indices_have_any_number_of_digits(write):
    assert read_pairs(write("a\tb\t10-9 0-123\n"))[0].alignment == ((10, 9), (0, 123))


def test_bom_crlf_white_space_and_blank_last_lines(write):
    content = b"\xef\xbb\xbf a \t x b\r\nc\td\t0-0\r\n\r\n  \n\n"
    assert read_pairs(write(content)) == [Pair("a", "x b", None, 1), Pair("c", "d", ((0, 0),), 2)]


def test_files_put_together_have_byte_order_marks_inside(write):
    bom = b"\xef\xbb\xbf"
    pairs = read_pairs(write(bom + b"a\tx\n" + bom + b"b\t" + bom + b"y\n\n" + bom + b"\n"))
    assert [pair[:2] for pair in pairs] == [("a", "x"), ("b", "y")]
    with pytest.raises(InputError, match="line 2: the source is empty"):
        read_pairs(write(b"a\tb\n" + bom + b"\tb\n"))


@pytest.mark.parametrize("end", ["", "\r", "\n", "\r\n"])
def test_lines_that_end_with_cr_alone_are_refused_by_their_name(write, end):
    with pytest.raises(InputError, match="the lines end with CR alone; convert them to LF"):
        read_pairs(write(f"a\tb\rc\td{end}"))


def test_text_is_composed(write):
    assert read_pairs(write("cafe\u0301\tA\u030a\n")) == [Pair("caf\u00e9", "\u00c5", None, 1)]


def test_only_newlines_end_lines(write):
    text = "a\u2028b\x0bc\x0cd\x85e\x1cf\rg"
    assert read_pairs(write(f"{text}\t{text}\n")) == [Pair(text, text, None, 1)]


def test_last_line_needs_no_newline(write):
    assert [pair.target for pair in read_pairs(write("a\tb\nc\td"))] == ["b", "d"]


LINES = st.text(st.characters(exclude_characters="\t\n\ufeff", exclude_categories=["Cs"]), min_size=1)
TEXTS = LINES.map(lambda text: unicodedata.normalize("NFC", text).strip()).filter(bool)
LINKS = st.lists(st.tuples(st.integers(0, 999), st.integers(0, 999)), min_size=1).map(tuple)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.builds(Pair, TEXTS, TEXTS, st.none() | LINKS), min_size=1))
def test_what_is_written_is_read_back(write, pairs):
    written = format_pairs(pairs)
    read = read_pairs(write(written))
    assert read == [pair._replace(line=line) for line, pair in enumerate(pairs, start=1)]
    assert format_pairs(read) == written


def test_format():
    pairs = [Pair("a b", "c", ((0, 0), (1, 0))), Pair("d", "e"), Pair("f", "g", ())]
    assert format_pairs(pairs) == "a b\tc\t0-0 1-0\nd\te\nf\tg\n"


# Bad files


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("a\tb\nc d\ne\tf\n", ("line 2:", "no tab", "write source<TAB>target")),
        ("a\tb\n\nc\td\n", ("line 2:", "blank line", "delete")),
        ("a\tb\n \r\nc\td\n", ("line 2:", "blank line", "delete")),
        ("a\tb\n \tc\n", ("line 2:", "source is empty", "write")),
        ("a\tb\nc\t \t0-0\n", ("line 2:", "target is empty", "write")),
        ("a\tb\n\t\n", ("line 2:", "source is empty")),
        ("", ("file is empty", "write")),
        ("\ufeff\n \n\r\n", ("file is empty", "write")),
        (b"a\tb\nc\td\xe9\n", ("line 2:", "0xe9", "offset 7 ", "UTF-8", "save")),
        (b"\xff\xfea\x00\t\x00", ("line 1:", "0xff", "offset 0 ", "UTF-8")),
        (b"a\tb\nc\t\xe2\x82", ("line 2:", "0xe2", "offset 6 ", "UTF-8")),
    ],
)
def test_bad_content(write, content, parts):
    path = write(content)
    with raises_one_line(str(path), *parts):
        read_pairs(path)


def test_missing_file(tmp_path):
    with raises_one_line("nowhere.tsv", "no such file", "check"):
        read_pairs(tmp_path / "nowhere.tsv")


def test_folder(tmp_path):
    with raises_one_line(str(tmp_path), "folder", "give"):
        read_pairs(str(tmp_path))


def test_file_used_as_a_folder(write):
    with raises_one_line("cannot be read", "Not a directory", "give"):
        read_pairs(write("a\tb\n") / "more.tsv")


def test_no_permission(write, monkeypatch):
    def deny(path):
        raise PermissionError(13, "Permission denied")

    path = write("a\tb\n")
    monkeypatch.setattr("minis2s.data.pairs.open_to_read", deny)
    with raises_one_line(str(path), "no permission", "give"):
        read_pairs(path)


def test_training_needs_ten_pairs():
    with raises_one_line("f.tsv", "too few pairs", "9; give at least 10"):
        check_training_pairs("f.tsv", numbered(9))
    check_training_pairs("f.tsv", numbered(10))


def test_training_needs_pairs_that_differ():
    pairs = [Pair("a", "b", None, line) for line in range(1, 13)]
    with raises_one_line("f.tsv", "all 12 lines are the same pair"):
        check_training_pairs("f.tsv", pairs)


def test_training_needs_three_sources():
    with raises_one_line("f.tsv", "too few different sources", "2; give at least 3"):
        check_training_pairs("f.tsv", numbered(2, targets=6))
    check_training_pairs("f.tsv", numbered(3, targets=4))


# Units


def test_units_are_words_where_a_source_holds_a_space():
    assert choose_units([Pair("ab", "c d"), Pair("a", "b")]) == "char"
    assert choose_units([Pair("ab", "c"), Pair("a b", "c")]) == "word"


@pytest.mark.parametrize(
    ("links", "units", "parts"),
    [
        (((0, 0), (0, 99)), "char", ("0-99", "target", "last character is 3,")),
        (((0, 4),), "char", ("0-4", "target", "last character is 3,")),
        (((6, 0),), "char", ("6-0", "source", "last character is 5,")),
        (((1, 1),), "word", ("1-1", "target", "last word is 0,")),
        (((2, 0),), "word", ("2-0", "source", "last word is 1,")),
    ],
)
def test_alignment_out_of_range(links, units, parts):
    pairs = [Pair("ab", "b", ((0, 0),), 1), Pair("the x.", "le_x", links, 7)]
    with raises_one_line("f.tsv, line 7:", *parts):
        check_alignments("f.tsv", pairs, units)


def test_alignment_in_range():
    check_alignments("f.tsv", [Pair("ab", "c", ((0, 0), (1, 0))), Pair("a", "b")], "char")
    check_alignments("f.tsv", [Pair("a b", "c", ((0, 0), (1, 0)))], "word")


def test_long_pairs_are_dropped():
    pairs = [Pair("aa", "b"), Pair("a a", "b"), Pair("a", "b c"), Pair("a", "b")]
    assert drop_long("f.tsv", pairs, "char", 2) == ([pairs[0], pairs[3]], 2)
    assert drop_long("f.tsv", pairs, "word", 1) == ([pairs[0], pairs[3]], 2)
    assert drop_long("f.tsv", pairs, "char", 3) == (pairs, 0)


def test_dropping_everything():
    with raises_one_line("f.tsv", "every source or target", "limit of 1 characters", "give"):
        drop_long("f.tsv", [Pair("aa", "b"), Pair("a", "bb")], "char", 1)


# Splitting


@pytest.mark.parametrize(("sources", "held_out"), [(3, 1), (10, 1), (29, 2), (9_990, 999), (12_000, 1000)])
def test_sizes_of_the_parts(sources, held_out):
    train, valid, test = split_pairs(numbered(sources), seed=0)
    assert (len(train), len(valid), len(test)) == (sources - 2 * held_out, held_out, held_out)


@given(st.lists(st.integers(0, 40), min_size=3).filter(lambda x: len(set(x)) >= 3), st.integers(0, 2**32))
def test_no_source_is_in_two_parts(sources, seed):
    pairs = [Pair(f"s {i}", f"t{line}", None, line) for line, i in enumerate(sources)]
    parts = split_pairs(pairs, seed)
    assert sorted(pair.line for part in parts for pair in part) == list(range(len(pairs)))  # each pair, once
    seen = [{pair.source for pair in part} for part in parts]
    assert all(seen)
    assert not (seen[0] & seen[1] or seen[0] & seen[2] or seen[1] & seen[2])
    assert len(seen[1]) == len(seen[2]) == max(1, len(set(sources)) // 10)
    assert all(part == sorted(part, key=lambda pair: pair.line) for part in parts)  # in the order of the file


def test_sources_that_differ_in_spaces_only_stay_together():
    pairs = [Pair(f"s{space}{i}", "t") for i in range(30) for space in (" ", "  ", "\u00a0")]
    assert all(len(part) == 3 * len({pair.source[-2:].strip() for pair in part}) for part in split_pairs(pairs, 1))


def test_split_follows_the_seed():
    pairs = numbered(100)
    assert split_pairs(pairs, 5) == split_pairs(pairs, 5)
    assert split_pairs(pairs, 5) != split_pairs(pairs, 6)


def test_split_is_random():
    valid, test = split_pairs(numbered(1000), 0)[1:]
    lines = [int(pair.source[1:]) for pair in valid + test]
    assert min(lines) < 100 and max(lines) >= 900


def test_split_needs_three_sources():
    with raises_one_line("too few different sources", "2; give at least 3"):
        split_pairs(numbered(2, targets=9), 0)
