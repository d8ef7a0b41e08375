"""The translate command: a line a text, in order, whatever becomes of the others."""

import io
import os
import subprocess
import sys
import threading
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from minis2s.cli import main
from minis2s.commands import shared, translate
from minis2s.data.vocabulary import EOS, SPECIAL, Vocabulary
from minis2s.decoding.search import Search
from minis2s.decoding.translator import Translator
from minis2s.layers import cast
from minis2s.training.checkpoint import load_model, save_model
from tests.conftest import SIZES, first_that, random_model, says_real_tokens_only

SOURCE, TARGET = "abcdefg", "uvwxyz"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Folders of two models that were never trained, ``additive`` and ``none``, after their attention."""
    folder = tmp_path_factory.mktemp("runs")
    assert SIZES["source_vocabulary"] == 11 and SIZES["target_vocabulary"] == 10
    for kind in ("additive", "none"):
        (folder / kind).mkdir()
        translator = first_that(finds_three, partial(random_translator, kind, TARGET))
        save_model(folder / kind / "model.npz", translator)
    return folder


def random_translator(kind, target, seed):
    model = cast(says_real_tokens_only(random_model(np.random.default_rng(seed), kind)), np.float32)
    return Translator(model, *(Vocabulary((*SPECIAL, *tokens)) for tokens in (SOURCE, target)), "char")


def finds_three(translator):
    """Whether it has three different translations for each of two texts, as ``--n-best 3`` asks for."""
    return all(len(found) == 3 for found in translator.n_best(["abc", "b"], Search(4, n_best=3)))


@pytest.fixture
def run(runs, capsys, monkeypatch):
    """Run translate on the model with attention; return its status, its output lines and its notes."""

    def run(*arguments, stdin=b"", kind="additive"):
        stdin = io.BytesIO(stdin) if isinstance(stdin, bytes) else stdin
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stdin))
        try:
            status = main(["translate", str(runs / kind), *map(str, arguments)])
        except SystemExit as end:
            status = end.code
        out, err = capsys.readouterr()
        assert "Traceback" not in err and (out == "" or out.endswith("\n"))
        return status, out.split("\n")[:-1], err.splitlines()

    return run


def texts_of(runs, texts, search=None):
    return [translation.text for translation in load_model(runs / "additive").translate(texts, search)]


def without_cuts(notes):
    return [line for line in notes if "no end after" not in line]


def test_options_reach_the_search(run, runs):
    texts = ["abc", "b", "gfa", "cab", "dd"]
    for options, search in [
        ([], Search()),
        (["--beam", 4, "--length-penalty", "0.9"], Search(4, 0.9)),
        (["--beam", 4, "--coverage-penalty", "2"], Search(4, coverage_penalty=2.0)),
        (["--sample"], Search(sample=True)),
        (["--sample", "--seed", 3, "--temperature", "2"], Search(sample=True, seed=3, temperature=2.0)),
        (["--sample", "--top-k", 2], Search(sample=True, top_k=2)),
        (["--sample", "--top-p", "0.4"], Search(sample=True, top_p=0.4)),
    ]:
        status, out, _ = run(*texts, *options)
        assert status == 0 and out == texts_of(runs, texts, search), options
    assert len({tuple(run(*texts, *options)[1]) for options in ([], ["--sample"], ["--sample", "--seed", 3])}) == 3


def test_scores_are_of_the_search(run, runs):
    translator, search = load_model(runs / "additive"), Search(3, 1.0)
    status, out, _ = run("abc", "", "g", "--scores", "--beam", 3, "--length-penalty", 1)
    want = translator.translate(["abc", "", "g"], search)
    assert status == 0 and out == [f"{t.score:.4f}\t{t.text}" for t in want] and out[1] == "0.0000\t"
    assert all(t.score != t.log_probability for t in want if t.text)


def test_n_best_lists_name_their_line(run, runs):
    status, out, notes = run("--n-best", 3, "--beam", 4, stdin=b"abc\n\ng\xff\nb\n")
    lists = load_model(runs / "additive").n_best(["abc", "", "", "b"], Search(4, n_best=3))
    want = [
        f"{line}\t{rank}\t{'nan' if line == 3 else f'{t.score:.4f}'}\t{t.text}"
        for line, found in enumerate(lists, 1)
        for rank, t in enumerate(found, 1)
    ]
    assert status == 2 and out == want and len(lists[0]) == len(lists[3]) == 3
    assert "standard input, line 3: not UTF-8; convert it to UTF-8" in notes


def test_a_file_is_translated_as_standard_input_is(run, runs, tmp_path):
    data = b"\xef\xbb\xbfabc\r\n\ngfa\nb"
    (tmp_path / "lines.txt").write_bytes(data)
    want = texts_of(runs, ["abc", "", "gfa", "b"])
    status, out, notes = run("--input", tmp_path / "lines.txt")
    assert (status, out) == (0, want) and not without_cuts(notes)
    assert run(stdin=data)[:2] == (0, want)
    (tmp_path / "lines.txt").write_bytes(b"a\nhb\n")
    notes = run("--input", tmp_path / "lines.txt")[2]
    assert f"{tmp_path / 'lines.txt'}, line 2: never seen in training, read as <unk>: 'h'" in notes
    (tmp_path / "lines.txt").write_bytes(b"")
    assert run("--input", tmp_path / "lines.txt") == (0, [], [])


@pytest.mark.parametrize("chunk", [1, 2, 3, 1000])
@pytest.mark.parametrize("sampling", [False, True])
def test_chunks_change_nothing(run, runs, monkeypatch, chunk, sampling):
    texts = ["abc", "", "gfa", "b", "ca", "", "fa", "aab", "aab"]
    monkeypatch.setattr(translate, "LINES", chunk)
    status, out, _ = run(*["--sample"] * sampling, stdin="\n".join(texts).encode())
    assert status == 0 and out == texts_of(runs, texts, Search(sample=sampling))


# Whatever fails


def assert_only_lost(got, runs, texts, lost, says):
    """The lines ``lost``, counted from 1, are empty and named; all others are translated; the status is 2."""
    status, out, notes = got
    want = texts_of(runs, ["" if number in lost else text for number, text in enumerate(texts, 1)])
    assert (status, out) == (2, want)
    named = without_cuts(notes)
    assert [line.partition(":")[0] for line in named[:-1]] == [f"standard input, line {number}" for number in lost]
    assert all(says in line for line in named[:-1])
    assert (
        named[-1] == f"minis2s: error: {len(lost)} of {len(texts)} texts not translated; mend those that the notes name"
    )


@pytest.mark.parametrize("chunk", [2, 1000])
def test_bytes_that_are_no_text_lose_their_line_only(run, runs, monkeypatch, chunk):
    monkeypatch.setattr(translate, "LINES", chunk)
    got = run(stdin=b"abc\n\xff\ngfa\n\nb\xc3\ncab\n")
    assert_only_lost(got, runs, ["abc", "?", "gfa", "", "?", "cab"], [2, 5], "not UTF-8; convert it to UTF-8")


def test_a_text_that_is_too_long_is_named_and_not_tried(run, runs, monkeypatch):
    monkeypatch.setattr(shared, "MOST_TOKENS", 5)
    monkeypatch.setattr(Translator, "source_ids", lambda self, tokens, old=Translator.source_ids: old(self, tokens[:5]))
    got = run(stdin=b"abc\nabcdef\nabcde\n  abcde   \n")
    assert_only_lost(got, runs, ["abc", "?", "abcde", "abcde"], [2], "6 tokens, but 5 are the most; cut the text")


@pytest.mark.parametrize("size", [10, 11, 19, 20, 21, 35])
def test_a_line_that_is_too_long_to_hold_is_skipped(run, runs, monkeypatch, size):
    monkeypatch.setattr(translate, "MOST_BYTES", 10)
    got = run(stdin=b"abc\n" + b"a" * size + b"\ngfa\n" + b"b" * 9 + b"\n" + b"c" * size)
    assert_only_lost(got, runs, ["abc", "?", "gfa", "b" * 9, "?"], [2, 5], "10 bytes or more; cut the line")


@pytest.mark.parametrize("error", [MemoryError(), ValueError("of some\nkind")])
def test_what_cannot_be_translated_loses_its_line_only(run, runs, monkeypatch, error):
    tried, n_best = [], Translator.n_best

    def fails(self, texts, *arguments, **options):
        tried.append(len(texts))
        if any("d" in text for text in texts):
            raise error
        return n_best(self, texts, *arguments, **options)

    texts = ["abc", "gfa", "", "b", "ad", "ca", "g", "f"] * 2
    monkeypatch.setattr(Translator, "n_best", fails)
    got = run(stdin="\n".join(texts).encode())
    sampled = run("--sample", stdin="\n".join(texts).encode())
    monkeypatch.undo()
    says = "cannot be translated (ValueError: of some kind)" if str(error) else "cannot be translated (MemoryError: )"
    assert_only_lost(got, runs, texts, [5, 13], says)
    assert tried[:7] == [16, 8, 4, 4, 2, 1, 1]  # halves, not line by line
    want = texts_of(runs, texts, Search(sample=True))
    assert [o for o, text in zip(sampled[1], texts) if text != "ad"] == [w for w, t in zip(want, texts) if t != "ad"]


def test_what_was_read_before_a_file_breaks_is_translated(run, runs, monkeypatch):
    class Broken(io.BytesIO):
        def readline(self, size=-1):
            line = super().readline(size)
            if not line:
                raise OSError(5, "Input/output error")
            return line

    for lines in (2, 3):
        monkeypatch.setattr(translate, "LINES", lines)
        got = run(stdin=Broken(b"abc\ngfa\n"))
        assert_only_lost(got, runs, ["abc", "gfa", "?"], [3], "cannot be read (Input/output error), nor what follows")


def test_a_translation_stays_on_its_line(runs, run, tmp_path, monkeypatch):
    old = load_model(runs / "additive")
    odd = Vocabulary((*SPECIAL, "a\nb", "\t", *TARGET[2:]))
    monkeypatch.setattr(shared, "load_model", lambda _: Translator(old.model, old.source, odd, "char"))
    texts = ["".join(SOURCE[i] for i in (j % 7, j // 7)) for j in range(49)]
    made = Translator(old.model, old.source, odd, "char").translate(texts, Search(sample=True))
    assert any("\n" in t.text for t in made) and any("\t" in t.text for t in made)
    status, out, _ = run(*texts, "--sample")
    assert status == 0 and out == [t.text.replace("\n", " ").replace("\t", " ") for t in made]


# As it comes


def spawn(runs, *arguments):
    command = [sys.executable, "-m", "minis2s", "translate", str(runs / "additive"), *arguments]
    pipes = {name: subprocess.PIPE for name in ("stdin", "stdout")}
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.Popen(command, **pipes, stderr=subprocess.DEVNULL, env=environment)


def test_the_first_lines_come_out_before_the_last_go_in(runs):
    with spawn(runs) as process:
        alarm = threading.Timer(30, process.kill)
        alarm.start()
        process.stdin.write(b"ab\n" * 1000)
        process.stdin.flush()
        first = [process.stdout.readline() for _ in range(1000)]  # without the alarm it might wait for ever
        process.stdin.write(b"gfa\nb")
        rest, _ = process.communicate(timeout=60)
        alarm.cancel()
    assert process.returncode == 0
    assert b"".join(first).decode().split("\n")[:-1] == texts_of(runs, ["ab"]) * 1000
    assert rest.decode().split("\n") == [*texts_of(runs, ["gfa", "b"]), ""]


def test_at_a_terminal_each_line_is_answered_at_once(run, runs, capsys):
    answers = []

    class Terminal(io.BytesIO):
        def isatty(self):
            return True

        def readline(self, size=-1):
            answers.append(capsys.readouterr().out)
            return super().readline(size)

    assert run(stdin=Terminal(b"abc\ngfa\n"))[0] == 0
    assert answers == ["", *(text + "\n" for text in texts_of(runs, ["abc", "gfa"]))]


# Texts that are no text, and texts that are more than text


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="the command line is bytes")
@pytest.mark.parametrize("locale", [{"LC_ALL": "C.UTF-8"}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}])
def test_arguments_are_utf8_whatever_the_locale(runs, locale):
    environment = {name: value for name, value in os.environ.items() if name[:3] not in ("LC_", "LAN")}
    command = [sys.executable, "-m", "minis2s", "translate", str(runs / "additive"), "--replace-unknown"]
    texts = [b"abc", "aé".encode(), b"\xff\xfe b c", "ünü".encode()]
    result = subprocess.run(
        [*map(os.fsencode, command), *texts],
        capture_output=True,
        timeout=60,
        env=environment | locale | {"PYTHONUTF8": "0", "PYTHONIOENCODING": "utf-8"},
    )
    translator = replace(load_model(runs / "additive"), replace_unknown=True)
    wanted = [one.text for one in translator.translate(["abc", "aé", "", "ünü"])]
    assert result.stdout.decode().split("\n") == [*wanted, ""] and result.returncode == 2
    notes = without_cuts(result.stderr.decode().splitlines())
    assert "text 3: not UTF-8; convert it to UTF-8" in notes and "Traceback" not in result.stderr.decode()
    assert "text 2: never seen in training, read as <unk>: 'é'" in notes


def with_target(folder, tokens):
    """Save a model with attention and these target tokens that never ends, so that it says some; return its folder."""
    translator = random_translator("additive", tokens, 5)
    translator.model.output.b[EOS] = -50
    folder.mkdir()
    save_model(folder / "model.npz", translator)
    return folder


def test_a_model_of_tokens_that_cannot_be_written_is_refused(tmp_path, run):
    folder = with_target(tmp_path / "odd", [f"\ud800{i}" for i in range(len(TARGET))])
    status, out, notes = run("abc", "--attention", tmp_path / "a.png", kind=folder)
    assert (status, out, len(notes)) == (2, [], 1) and "model.npz" in notes[0], notes
    assert not (tmp_path / "a.png").exists()


@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_is_not_commanded(tmp_path, run, monkeypatch, terminal):
    folder = with_target(tmp_path / "odd", ["\x1b]0;x\x07", "\x1b[2J", "\x9b31m", *(f"\x1b[{i}m" for i in range(3))])
    monkeypatch.setattr("minis2s.errors.on_terminal", lambda: terminal)
    status, (out,), notes = run("a\x1b[2Jc", "--scores", kind=folder)
    assert status == 0 and "\t" in out and ("\x1b" in out or "\x9b" in out) == (not terminal)
    assert ("\\x1b" in out or "\\x9b" in out) == terminal
    assert "\\x1b" in " ".join(notes) and "\x1b" not in " ".join(notes)


def test_a_byte_order_mark_begins_no_line(run, runs):
    bom = "\ufeff".encode()
    assert run(stdin=bom + b"abc\n" + bom + b"gfa\n")[1] == texts_of(runs, ["abc", "gfa"])


def test_lines_that_end_with_cr_alone_are_told_so(run, runs):
    assert_only_lost(run(stdin=b"abc\rgfa\r"), runs, ["?"], [1], "the lines end with CR alone; convert them to LF")
    assert run(stdin=b"abc\r\ngfa\r")[:2] == (0, texts_of(runs, ["abc", "gfa"]))


# What is refused before anything is translated


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["--n-best", 3], "n_best is 3, but beam is 1; make beam at least 3"),
        (["--beam", 1001, "--n-best", 3], "beam is 1001; it must be at most 1000"),
        (["--n-best", 0], "is not a whole number from 1 to"),
        (["--top-k", 3], "top_k is 3, which needs sample"),
        (["--top-p", "0.5"], "top_p is 0.5, which needs sample"),
        (["--temperature", "0.5"], "temperature is 0.5, which needs sample"),
        (["--seed", 2], "seed is 2, which needs sample"),
        (["--sample", "--beam", 3], "beam is 3, which sampling has no use for"),
        (["--sample", "--temperature", 0], "temperature is 0.0; it must be a number above 0"),
        (["--sample", "--top-p", 2], "top_p is 2.0; it must be"),
        (["--length-penalty", "-1"], "length_penalty is -1.0; it must be"),
        (["--coverage-penalty", "nan"], "coverage_penalty is nan; it must be"),
        (["--length-penalty", "much"], "invalid float value: 'much'"),
        (["--input", "none.txt"], "none.txt: cannot be read (No such file or directory); give a text file"),
        (["--input", "."], ".: cannot be read (this is a folder); give a text file"),
        (["--input", "none.txt", "abc"], "--input none.txt: texts are given, too; leave either out"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(run, arguments, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, notes = run(*arguments, stdin=b"abc\n")
    assert (status, out, len(notes)) == (2, [], 1) and says in notes[0] and "error: " in notes[0]


def test_a_coverage_penalty_is_refused_without_attention(run):
    status, out, notes = run("abc", "--beam", 3, "--coverage-penalty", "0.2", kind="none")
    assert (status, out) == (2, [])
    assert notes == ["minis2s: error: coverage_penalty needs attention, which this model does not have; leave it out"]
    assert run("abc", "--beam", 3, "--length-penalty", "0.2", kind="none")[0] == 0
