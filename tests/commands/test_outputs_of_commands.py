"""What commands refuse before they begin: places to write to; and gold links that are counted in other units."""

import hashlib
import os
import shutil
import threading

import pytest

from minis2s.cli import main
from minis2s.commands import evaluate
from minis2s.data.pairs import Pair, format_pairs
from minis2s.data.tasks import make_pairs
from minis2s.data.units import Sides
from minis2s.training.loop import Trainer
from minis2s.training.run import OWN
from tests.test_files import device

TINY = ["--hidden", "8", "--embedding", "4", "--epochs", "1", "--batch", "16", "--flow"]
PAIRS = format_pairs(make_pairs("reversal", 30, 0))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a run, pairs and texts; never written to."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "pairs.tsv").write_text(PAIRS, encoding="utf-8")
    (folder / "texts.txt").write_text("abc\n", encoding="utf-8")
    assert main(["train", str(folder / "pairs.tsv"), *TINY, "--out", str(folder / "run")]) == 0
    return folder


@pytest.fixture
def here(trained, tmp_path, monkeypatch, capsys):
    """A working folder with the same."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    return tmp_path


def contents(folder):
    return {path: hashlib.sha256(path.read_bytes()).digest() for path in sorted(folder.rglob("*")) if path.is_file()}


EVALUATE, TRANSLATE = ["evaluate", "run", "pairs.tsv"], ["translate", "run", "--input", "texts.txt", "--attention"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments, says",
    [
        ([*EVALUATE, "--page", "run"], "run: this is a folder; give the name of a file"),
        ([*EVALUATE, "--by-length", "run/../run"], "run/../run: this is a folder"),
        ([*EVALUATE, "--page", "a", "--by-length", "./a"], "./a: would be written over what another option writes"),
        ([*EVALUATE, "--by-length", "pairs.tsv"], "pairs.tsv: would be written over the pairs"),
        ([*EVALUATE, "--page", "run/model.npz"], "run/model.npz: would be written over model.npz of a run"),
        (["evaluate", "run/model.npz", "pairs.tsv", "--page", "run/model.npz"], "over model.npz of a run"),
        ([*TRANSLATE, "texts.txt"], "texts.txt: would be written over the texts; choose another name"),
        ([*TRANSLATE, "run/model.npz"], "run/model.npz: would be written over model.npz of a run"),
        ([*TRANSLATE, "no/map.png"], "no/map.png: there is no such folder; make it, or choose another place"),
        ([*TRANSLATE, "pairs.tsv/map.png"], "pairs.tsv/map.png: there is no such folder"),
        (
            ["curves", "run", "--out", "run/history.csv"],
            "run/history.csv: would be written over history.csv of a run",
        ),
        (["curves", "run", "--out", "run"], "run: this is a folder"),
        (["evaluate", "best.npz", "pairs.tsv", "--page", "best.npz"], "best.npz: would be written over the model"),
        (["curves", "run", "--out", "other/last.npz"], "other/last.npz: would be written over last.npz of a run"),
    ],
)
def test_nothing_is_begun_that_has_no_place_to_go(here, capsys, arguments, says):
    shutil.copytree(here / "run", here / "other")
    shutil.copy(here / "run" / "model.npz", here / "best.npz")
    before = contents(here)
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == "" and says in err and err.count("\n") == 1 and contents(here) == before


EVERY_OUTPUT = [
    [*EVALUATE, "--worst", "1", "--page"],
    [*EVALUATE, "--by-length"],
    TRANSLATE,
    ["curves", "run", "--out"],
    ["gradcheck", "linear", "--v-curve"],
]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs links")
@pytest.mark.parametrize("arguments", EVERY_OUTPUT)
def test_no_output_replaces_a_link(here, capsys, arguments):
    (here / "target").write_text("old")
    (here / "link").symlink_to("target")
    (here / "circle").symlink_to("circle")
    assert main([*arguments, "link"]) == 0
    assert (here / "link").is_symlink() and (here / "target").read_bytes()[:4] in (b"\x89PNG", b"<!DO")
    capsys.readouterr()
    assert main([*arguments, "circle"]) == 2  # before any result
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("minis2s: error: circle: ") and err.count("\n") == 1
    assert (here / "circle").is_symlink()


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs pipes")
@pytest.mark.parametrize("arguments", EVERY_OUTPUT)
def test_every_output_may_be_a_pipe(here, arguments):
    os.mkfifo(here / "pipe")
    got = []
    reader = threading.Thread(target=lambda: got.append((here / "pipe").read_bytes()), daemon=True)
    reader.start()
    assert main([*arguments, "pipe"]) == 0
    reader.join()
    assert got[0][:4] in (b"\x89PNG", b"<!DO") and (here / "pipe").is_fifo()


@pytest.mark.skipif(os.name != "posix", reason="needs links and devices")
@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "{}"],
        ["train", "pairs.tsv", "--valid", "{}"],
        ["evaluate", "run", "{}"],
        ["translate", "run", "--input", "{}"],
    ],
)
def test_no_input_is_a_device_or_leads_in_a_circle(here, capsys, arguments):
    (here / "circle").symlink_to("circle")
    device(here / "zero", 5)
    for name in ("circle", "zero"):
        assert main([word.format(name) for word in arguments]) == 2
        out, err = capsys.readouterr()
        assert out == "" and err.startswith(f"minis2s: error: {name}: cannot be read") and err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", ""],
        ["train", "pairs.tsv", "--out", ""],
        ["train", "pairs.tsv", "--valid", ""],
        ["translate", "", "abc"],
        ["translate", "run", "--input", ""],
        ["translate", "run", "abc", "--attention", ""],
        ["evaluate", "", "pairs.tsv"],
        ["evaluate", "run", ""],
        [*EVALUATE, "--page", ""],
        [*EVALUATE, "--by-length", ""],
        ["curves", ""],
        ["curves", "run", "--out", ""],
        ["gradcheck", "linear", "--v-curve", ""],
        ["data", "dates", "--size", "3", "--seed", "0", "--split", "random", "--out", ""],
        ["bugs", "matrix", "--out", ""],
    ],
)
def test_an_empty_name_is_that_of_a_variable_never_set(here, capsys, arguments):
    before = contents(here)
    with pytest.raises(SystemExit) as end:
        main(arguments)
    out, err = capsys.readouterr()
    assert end.value.code == 2 and out == "" and "an empty name is given" in err and err.count("\n") == 1
    assert contents(here) == before


def test_a_file_that_cannot_be_written_costs_no_result(here, capsys, monkeypatch):
    monkeypatch.setattr(evaluate, "worst_page", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main([*EVALUATE, "--page", "page.html"])
    assert capsys.readouterr().out.startswith("pairs ")


@pytest.mark.slow
def test_figures_may_go_into_the_folder_of_the_run_and_over_old_ones(here, capsys):
    for _ in range(2):
        assert main(["curves", "run", "--out", "run/loss.png"]) == 0
        assert main([*EVALUATE, "--page", "run/page.html", "--worst", "1", "--by-length", "run/length.png"]) == 0
    assert {path.name for path in (here / "run").iterdir()} == {*OWN, "page.html", "length.png"}


@pytest.mark.slow
def test_losses_of_different_tokens_are_not_compared(here, capsys):
    pairs = [pair._replace(alignment=None) for pair in make_pairs("reversal", 30, 0)]
    (here / "plain.tsv").write_text(format_pairs(pairs), encoding="utf-8")
    assert main(["train", "plain.tsv", *TINY, "--units", "bpe", "--merges", "3", "--out", "pieces"]) == 0
    assert main(["curves", "run", "run/../run", "--out", "same.png"]) == 0
    assert "different tokens" not in capsys.readouterr().err
    assert main(["curves", "run", "pieces", "--out", "both.png"]) == 0
    first = "the runs have different tokens (char, bpe 3): compare their exact match, not nats per token"
    assert capsys.readouterr().err.splitlines() == [first, "learning curves: both.png"]


def test_want_of_memory_is_told_in_one_line(here, capsys, monkeypatch):
    def hungry(*_):
        raise MemoryError("Unable to allocate 400. GiB")

    monkeypatch.setattr(evaluate, "assess", hungry)
    assert main(EVALUATE) == 2
    monkeypatch.setattr(Trainer, "progress", hungry)
    assert main(["train", "pairs.tsv", *TINY, "--out", "other"]) == 2
    out, err = capsys.readouterr()
    lines = [line for line in err.splitlines() if "error" in line]
    assert out == "" and "Traceback" not in err and len(lines) == 2
    assert all(line.startswith("minis2s: error: not enough memory; choose a smaller beam") for line in lines)


def doubt(capsys, pairs, units):
    evaluate.doubt_links("my.tsv", pairs, Sides.of(units))
    return capsys.readouterr().err


def test_links_between_words_are_doubted_where_the_model_has_characters(capsys):
    words = [Pair("the cat", "le chat", ((0, 0), (1, 1))), Pair("a", "un")]
    assert doubt(capsys, words, "char").startswith(
        "my.tsv: its gold links may be counted in words; this model's are not"
    )
    assert doubt(capsys, words, "word") == ""
    assert doubt(capsys, [pair._replace(alignment=None) for pair in words], "char") == ""
    assert doubt(capsys, [*words, Pair("ab", "ba", ((0, 1), (1, 0)))], "char") == ""  # a link past the words
    assert doubt(capsys, [Pair("a", "b", ((0, 0),))], "char") == ""
    assert doubt(capsys, make_pairs("reversal", 5, 0), "char") == ""  # characters, no doubt


def test_the_report_says_what_links_are_between(here, capsys):
    assert main(EVALUATE) == 0
    out, err = capsys.readouterr()
    assert "gold links of 30 pairs, in characters\n" in out and err == ""
