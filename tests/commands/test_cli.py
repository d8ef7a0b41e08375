"""The command line: what a newcomer types, and every way in which it can go wrong, one line each."""

import io
import json
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import minis2s
from minis2s.checks import CASES
from minis2s.cli import main
from minis2s.data.pairs import format_pairs
from minis2s.data.tasks import TASKS, make_pairs
from minis2s.layers.attention import Attention
from minis2s.training.checkpoint import load_model
from minis2s.training.loop import Trainer

TINY = ["--hidden", "8", "--embedding", "4", "--epochs", "1", "--batch", "16"]
COMMANDS = ["train", "translate", "evaluate", "gradcheck", "data"]
FILES = {"model.npz", "last.npz", "history.csv", "loss.png", "attention.png", "test.tsv"}
PAIRS = format_pairs(make_pairs("reversal", 40, 0))


def status_of(*arguments):
    """Run a command here; return its exit status, also where argparse ends it."""
    try:
        return main([str(argument) for argument in arguments])
    except SystemExit as end:
        return end.code


ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON") or "PATH" in name}


def run_python(*arguments, stdout=subprocess.PIPE, env=ENVIRONMENT, **options):
    """Run ``python -m minis2s`` as a shell would."""
    command = [sys.executable, "-m", "minis2s", *map(str, arguments)]
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, timeout=60, env=env, **options)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of a tiny finished run; never written to."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "pairs.tsv").write_text(PAIRS, encoding="utf-8")
    assert status_of("train", folder / "pairs.tsv", *TINY, "--out", folder / "run") == 0
    return folder / "run"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working folder with one good file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pairs.tsv").write_text(PAIRS, encoding="utf-8")
    return tmp_path


@pytest.fixture
def refused(here, capsys):
    """Expect status 2, nothing on standard output or on disk, and one last line that holds some words."""

    def refused(*arguments, says=(), output=""):
        before = sorted(here.rglob("*"))
        status = status_of(*arguments)
        out, err = capsys.readouterr()
        errors = [line for line in err.splitlines() if "error" in line.lower()]
        assert status == 2 and out == output, err
        assert len(errors) == 1 and err.splitlines()[-1] == errors[0] and "Traceback" not in err, err
        assert "; " in errors[0] or "gradient" in errors[0], errors[0]  # and what to do
        for word in [says] if isinstance(says, str) else says:
            assert word in errors[0], errors[0]
        assert sorted(here.rglob("*")) == before
        return err

    return refused


@pytest.fixture
def type_in(monkeypatch):
    """Give bytes on standard input."""
    return lambda data: monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


# Help


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(command, capsys):
    assert status_of(command, "--help") == 0
    out, err = capsys.readouterr()
    assert f"example:\n  python -m minis2s {command} " in out and err == ""


def test_help_names_every_command(capsys):
    assert status_of("--help") == 0
    out = capsys.readouterr().out
    assert all(f"\n    {command}" in out for command in COMMANDS)


def test_version_is_said(capsys):
    assert status_of("--version") == 0
    assert capsys.readouterr() == (f"minis2s {minis2s.__version__}\n", "")


# train


@pytest.mark.slow
def test_train_fills_a_folder_and_says_how_good_it_is(here, capsys):
    assert status_of("train", "pairs.tsv", *TINY, "--out", "a run", "--epochs", "2") == 0
    out, err = capsys.readouterr()
    assert set(os.listdir("a run")) == FILES
    assert out.startswith("test: exact match ") and "of 4 unseen pairs" in out
    assert len(out.splitlines()) == 5 and all(" -> " in line for line in out.splitlines()[1:])
    assert err.splitlines()[0].startswith("pairs.tsv: 40 pairs in characters")
    assert err.count("\nepoch ") == 4 and "s left" in err
    assert "Warning" not in err


@pytest.mark.slow
def test_the_last_line_of_train_can_be_typed(here, capsys):
    (here / "pairs.tsv").write_text("".join(f"-{i} $x `y\t{i}\n" for i in range(20)))
    assert status_of("train", "pairs.tsv", *TINY, "--out", "a run") == 0
    command = capsys.readouterr().err.splitlines()[-1].removeprefix("try: ").replace("python", sys.executable, 1)
    result = subprocess.run(["sh", "-c", command], capture_output=True, text=True, env=ENVIRONMENT)
    assert result.returncode == 0 and result.stdout and result.stderr.count("<unk>") <= 1, result.stderr


@pytest.mark.slow
def test_train_goes_by_default_to_a_folder_named_after_the_file(here):
    assert status_of("train", "pairs.tsv", *TINY) == 0
    assert set(os.listdir(here / "runs" / "pairs")) == FILES


@pytest.mark.slow
def test_train_without_a_file_learns_reversal(here, capsys, monkeypatch):
    monkeypatch.setattr(Trainer, "progress", lambda self: iter([]))
    assert status_of("train", *TINY) == 0
    out, err = capsys.readouterr()
    assert err.startswith("reversal: 12,000 pairs in characters; run folder runs/reversal")
    assert "of 1,000 unseen pairs" in out


@pytest.mark.slow
def test_train_takes_words_and_a_file_to_validate_on(here, capsys):
    lines = "".join(f"wort {i} é\tword {i}\tCC-BY 2.0 (France) #12\n" for i in range(20))
    (here / "words.tsv").write_text(lines, encoding="utf-8")
    (here / "valid.tsv").write_text("wort 3 é\tword 3\nwort 99 é\tword 3\n", encoding="utf-8")
    assert status_of("train", "words.tsv", *TINY, "--valid", "valid.tsv", "--out", "w", "--attention", "none") == 0
    out, err = capsys.readouterr()
    assert "20 pairs in words" in err and "valid.tsv: 1 of its 2 sources are trained on too" in err
    assert out.startswith("validation: ") and set(os.listdir("w")) == FILES - {"attention.png", "test.tsv"}
    assert str(load_model("w").units) == "word" and load_model("w").model.config.attention == "none"
    assert status_of("train", "words.tsv", *TINY, "--units", "char", "--out", "c") == 0
    assert str(load_model("c").units) == "char"


@pytest.mark.slow
def test_same_seed_same_model_other_seed_another(here):
    for out, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        assert status_of("train", "pairs.tsv", *TINY, "--out", out, "--seed", seed) == 0
    a, b, c = ((here / out / "model.npz").read_bytes() for out in "abc")
    assert a == b != c


@pytest.mark.slow
def test_a_run_is_overwritten_by_force_only(here, refused, capsys):
    assert status_of("train", "pairs.tsv", *TINY, "--out", "run") == 0
    first = (here / "run" / "model.npz").read_bytes()
    capsys.readouterr()
    refused("train", "pairs.tsv", *TINY, "--out", "run", says=["run: ", "--resume", "--force"])
    refused("train", "pairs.tsv", *TINY, "--out", "run", "--resume", "--seed", "1", says=["run", "seed 0, not 1"])
    refused("train", "pairs.tsv", *TINY, "--out", "run", "--resume", "--force", says=["--resume", "--force"])
    assert (here / "run" / "model.npz").read_bytes() == first
    assert status_of("train", "pairs.tsv", *TINY, "--out", "run", "--resume") == 0
    assert (here / "run" / "model.npz").read_bytes() == first
    assert status_of("train", "pairs.tsv", *TINY, "--out", "run", "--force", "--seed", "1") == 0
    assert (here / "run" / "model.npz").read_bytes() != first


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_the_pairs_are_never_overwritten(here, refused, force):
    (here / "test.tsv").write_text(PAIRS)
    (here / "valid.tsv").write_text(PAIRS)
    refused("train", "test.tsv", *TINY, "--out", ".", *force, says="test.tsv")
    refused("train", "pairs.tsv", "--valid", "test.tsv", *TINY, "--out", here, *force, says="test.tsv")
    assert (here / "test.tsv").read_text() == PAIRS


@pytest.mark.slow
def test_ctrl_c_leaves_a_usable_run(here, capsys, monkeypatch):
    with monkeypatch.context() as m:

        def press(self, batch):
            raise KeyboardInterrupt

        m.setattr(Trainer, "update", press)
        assert status_of("train", "pairs.tsv", *TINY, "--out", "run") == 130
    out, err = capsys.readouterr()
    assert out == "" and err.splitlines()[-1].startswith("stopped; run holds") and "--resume" in err
    assert status_of("translate", "run", "abc") == 0
    assert status_of("train", "pairs.tsv", *TINY, "--out", "run", "--resume") == 0


@pytest.mark.slow
def test_long_pairs_are_dropped_and_counted(here, capsys):
    (here / "pairs.tsv").write_text(PAIRS + "a" * 101 + "\tb\n" + "b\t" + "a" * 101 + "\n")
    assert status_of("train", "pairs.tsv", *TINY, "--out", "run") == 0
    assert "pairs.tsv: 2 of 42 pairs dropped: longer than --max-length 100 characters" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("rate", ["1e37", "1e38", "1e300"])
def test_a_loss_that_is_no_number_is_told_in_one_line(here, rate):
    result = run_python("train", "pairs.tsv", *TINY, "--out", "run", "--rate", rate)
    err = result.stderr.decode()
    assert result.returncode == 2 and result.stdout == b"", err
    last = err.splitlines()[-1]
    assert last.startswith("minis2s: error: the ") and " at update " in last
    assert float(last.rpartition("--rate ")[2]) <= 0.01  # a rate that can work
    assert "Warning" not in err and "Traceback" not in err


def test_no_best_model_is_promised_where_there_is_none(here, capsys):
    with np.errstate(all="ignore"):
        status_of("train", "pairs.tsv", *TINY, "--out", "run", "--rate", "1e38")
    assert ("best model so far is kept" in capsys.readouterr().err) == (here / "run" / "model.npz").exists()


BAD_FILES = {
    "not UTF-8": ("ä\tb\n" * 3 + "x\ty\n", "latin-1", ["pairs.tsv, line 1", "not UTF-8"]),
    "UTF-16": (PAIRS, "utf-16", ["pairs.tsv, line 1", "not UTF-8"]),
    "no tab": (PAIRS + "a b\n", "utf-8", ["pairs.tsv, line 41", "no tab"]),
    "blank line": ("\n" + PAIRS, "utf-8", ["pairs.tsv, line 1", "blank"]),
    "white space only": ("a\tb\n  \t \n" + PAIRS, "utf-8", ["pairs.tsv, line 2", "source is empty"]),
    "empty source": ("a\tb\n\tb\n" + PAIRS, "utf-8", ["pairs.tsv, line 2", "source is empty"]),
    "empty target": ("a\tb\na\t\n" + PAIRS, "utf-8", ["pairs.tsv, line 2", "target is empty"]),
    "empty file": ("", "utf-8", ["pairs.tsv", "empty"]),
    "nine pairs": ("".join(PAIRS.splitlines(True)[:9]), "utf-8", ["pairs.tsv", "9; give at least 10"]),
    "identical": ("a\tb\n" * 20, "utf-8", ["pairs.tsv", "all 20 lines are the same"]),
    "two sources": ("a\tb\nc\td\n" * 10, "utf-8", ["pairs.tsv", "different sources"]),
    "all too long": (PAIRS.replace("\t", "x" * 100 + "\t"), "utf-8", ["pairs.tsv", "longer than", "100"]),
    "too few left": (PAIRS.replace("\t", "x" * 100 + "\t") + "a\tb\nb\ta\n", "utf-8", ["pairs.tsv", "2; give at"]),
    "alignment": (PAIRS + "ab\tba\t0-1 1-7\n", "utf-8", ["pairs.tsv, line 41", "1-7"]),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_file(here, refused, name):
    text, encoding, says = BAD_FILES[name]
    (here / "pairs.tsv").write_text(text, encoding=encoding)
    refused("train", "pairs.tsv", *TINY, says=says)
    if name not in ("nine pairs", "identical", "two sources", "all too long", "too few left", "alignment"):
        (here / "good.tsv").write_text(PAIRS)
        refused("train", "good.tsv", *TINY, "--valid", "pairs.tsv", says=says)


def test_missing_file(refused):
    refused("train", "none.tsv", says="none.tsv: there is no such file")
    refused("train", ".", says=".: this is a folder")
    refused("train", "pairs.tsv", "--valid", "none.tsv", says="none.tsv: there is no such file")
    refused("train", "a\nb.tsv", says="there is no such file")  # on one line all the same


BAD_OPTIONS = [
    *[(option, value) for option in ("epochs", "hidden", "embedding", "batch", "max-length") for value in ("0", "-3")],
    *[("hidden", value) for value in ("x", "1.5", "1e3", "", "1000000", "9" * 20)],
    *[("rate", value) for value in ("nan", "inf", "0", "-1", "x")],
    *[("seed", value) for value in ("-1", "x", "0.5")],
    *[
        ("units", "bytes"),
        ("attention", "x"),
        ("out", "x" * 300),
        ("out", "pairs.tsv"),
        ("out", "pairs.tsv/x"),
    ],
]


@pytest.mark.parametrize("option, value", BAD_OPTIONS)
def test_bad_option_of_train(refused, option, value):
    refused("train", "pairs.tsv", *TINY, f"--{option}={value}", says=[option if option != "out" else value])


NUMBERS = {
    "train pairs.tsv": "epochs hidden embedding encoder-hidden layers batch merges min-count max-length seed",
    "evaluate {run} pairs.tsv": "beam top-k worst seed",
    "gradcheck mine.py:Mine": "seconds",
    "data dates --seed 0 --size 5": "size seed test",
    "bugs hunt": "seed",
}


@pytest.mark.slow
@pytest.mark.parametrize("value", [str(2**63), "1" + "0" * 400, "1" + "0" * 6000, "-1", "--", "", "1\n\x1b[2J"])
@pytest.mark.parametrize("command, name", [(command, name) for command in NUMBERS for name in NUMBERS[command].split()])
def test_a_number_out_of_bounds_is_refused_in_one_short_line(refused, trained, command, name, value):
    says = [f"argument --{name}: ", "expected one argument" if value == "--" else " is not a whole number from "]
    err = refused(*command.format(run=trained).split(), f"--{name}={value}", says=says)
    assert len(err) < 1100 and "\x1b" not in err


def test_an_error_is_one_line_whatever_was_typed(refused):
    refused("train", "pairs.tsv", "y\nz", says="unrecognized arguments: y\\nz;")
    refused("train", "a\n\x1b[31mb.tsv", says="a\\n\\x1b[31mb.tsv: there is no such file")
    refused("trans\nlate", "\ud800", says="'trans\\nlate'")


def test_after_two_hyphens_everything_is_text(trained, capsys):
    assert status_of("translate", trained, "--", "--beam=--", "a") == 0
    assert capsys.readouterr().out.count("\n") == 2


@pytest.mark.slow
def test_training_that_ended_diverged_says_so(here, capsys):
    assert status_of("train", "pairs.tsv", *TINY, "--rate", "1e9", "--out", "run") == 0
    out, err = capsys.readouterr()
    assert "training has diverged; try --force --rate 0.003" in err and out.startswith("test: ")
    assert status_of("train", "pairs.tsv", *TINY, "--out", "other") == 0
    assert "diverged" not in capsys.readouterr().err


def test_folder_that_cannot_be_written(here, refused):
    (here / "closed").mkdir(mode=0o555)
    if os.access(here / "closed", os.W_OK):
        pytest.skip("this user may write everywhere")
    refused("train", "pairs.tsv", *TINY, "--out", "closed", says="closed")
    refused("train", "pairs.tsv", *TINY, "--out", "closed/run", says="closed")


@pytest.mark.parametrize(
    "arguments", [[], ["nothing"], ["train", "a", "b"], ["evaluate", "run"], ["data"], ["translate"], ["train", "--x"]]
)
def test_bad_command(refused, arguments):
    refused(*arguments, says="--help")


# translate


def test_translate_a_line_a_text_in_order(trained, capsys):
    assert status_of("translate", trained, "abc", "b", "", "cab") == 0
    out, err = capsys.readouterr()
    want = load_model(trained).translate(["abc", "b", "", "cab"])
    assert out == "".join(translation.text + "\n" for translation in want)
    assert all("no end after" in line for line in err.splitlines())


def test_translate_reads_standard_input(trained, capsys, type_in):
    type_in(b"abc\r\n\nb")
    assert status_of("translate", trained) == 0
    assert capsys.readouterr().out.split("\n") == [
        *(t.text for t in load_model(trained).translate(["abc", "", "b"])),
        "",
    ]


def test_a_byte_order_mark_is_no_text(trained, capsys, type_in):
    type_in(b"\xef\xbb\xbfabc\n")
    assert status_of("translate", trained) == 0
    assert "<unk>" not in capsys.readouterr().err


def test_translate_of_nothing_is_nothing(trained, capsys, type_in):
    type_in(b"")
    assert status_of("translate", trained) == 0
    assert capsys.readouterr() == ("", "")


def test_translate_notes_what_training_never_saw(trained, capsys):
    assert status_of("translate", trained, "abc", "aé😀é") == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 2
    assert "text 2: never seen in training, read as <unk>: 'é', '😀'\n" in err and "text 1: never" not in err


def test_translate_names_other_bytes_and_goes_on(trained, refused, type_in, capsys):
    type_in(b"abc\n\nab\n")
    assert status_of("translate", trained) == 0
    first, _, third = capsys.readouterr().out.splitlines(keepends=True)
    type_in(b"abc\nab\xff\nab\n")
    err = refused("translate", trained, says="1 of 3 texts not translated", output=f"{first}\n{third}")
    assert "standard input, line 2: not UTF-8; convert it to UTF-8\n" in err


@pytest.mark.slow
@pytest.mark.parametrize("text", ["abc", "漢a", "$x_$ $\\foo{$"])
def test_translate_draws_attention(trained, here, text):
    result = run_python("translate", trained, text, "--attention", "map.png")
    assert result.returncode == 0 and (here / "map.png").read_bytes().startswith(b"\x89PNG")
    assert b"Warning" not in result.stderr and b"attention of the first text: map.png" in result.stderr


@pytest.mark.slow
def test_translate_draws_no_attention_where_there_is_none(here, refused, trained, capsys):
    assert status_of("train", "pairs.tsv", *TINY, "--attention", "none", "--out", "plain") == 0
    capsys.readouterr()
    refused("translate", "plain", "abc", "--attention", "map.png", says="plain: this model has no attention")


@pytest.mark.parametrize("place", ["none/map.png", "pairs.tsv/map.png", "."])
def test_translate_cannot_draw_everywhere(refused, trained, place):
    err = refused("translate", trained, "abc", "--attention", place, says=place)
    assert "--out" not in err  # translate has no such option


def spoil(trained, here, change):
    """Copy the run's model with its bytes changed."""
    (here / "run").mkdir()
    (here / "run" / "model.npz").write_bytes(change((trained / "model.npz").read_bytes()))


@pytest.mark.parametrize(
    "change, says",
    [
        (lambda data: data[:-1], "damaged"),
        (lambda data: data[:1000], "damaged"),
        (lambda data: data[:5000] + bytes([data[5000] ^ 1]) + data[5001:], "damaged"),
        (lambda data: b"", "damaged"),
        (lambda data: b"hello\n", "damaged or not a model"),
    ],
)
def test_damaged_model(trained, here, refused, change, says):
    spoil(trained, here, change)
    for arguments in (["translate", "run", "abc"], ["evaluate", "run", "pairs.tsv"]):
        refused(*arguments, says=[os.path.join("run", "model.npz"), says])


def test_foreign_and_newer_models(trained, here, refused):
    (here / "run").mkdir()
    np.savez(here / "run" / "model.npz", x=np.zeros(3))
    refused("translate", "run", "abc", says="not written by minis2s")
    with np.load(trained / "model.npz") as file:
        arrays = dict(file)
    about = json.loads(str(arrays["minis2s"]))
    np.savez(here / "run" / "model.npz", **arrays | {"minis2s": np.array(json.dumps(about | {"format": 99}))})
    refused("evaluate", "run", "pairs.tsv", says=["format 99 is newer", "install"])


def test_run_that_is_no_run(here, refused):
    refused("translate", "none", "abc", says=os.path.join("none", "model.npz: there is no such file"))
    refused("translate", "pairs.tsv", "abc", says="pairs.tsv: this is a file")
    refused("translate", ".", "abc", says="model.npz: there is no such file")


# evaluate


def test_evaluate_prints_one_object(trained, here, capsys):
    (here / "other.tsv").write_text("abé\tx\naa\tab\n", encoding="utf-8")
    assert status_of("evaluate", trained, "other.tsv", "--json") == 0
    out, err = capsys.readouterr()
    figures = json.loads(out)
    assert {"pairs", "exact_match", "token_accuracy", "nll_per_token", "perplexity", "oov_rate"} <= set(figures)
    assert {"bleu", "chrf", "intervals"} <= set(figures) and "aer" not in figures  # these pairs have no gold links
    assert figures["pairs"] == 2 and figures["oov_rate"] == 0.2 and err == ""
    assert 0 <= figures["exact_match"] <= 1 and 0 <= figures["token_accuracy"] <= 1
    assert figures["perplexity"] == pytest.approx(np.exp(figures["nll_per_token"]))


def test_evaluate_repeats_what_train_said(trained, capsys):
    assert status_of("evaluate", trained, trained / "test.tsv") == 0
    out, err = capsys.readouterr()
    assert err == "" and out.startswith("pairs                       4 ")
    assert [line.split()[0] for line in out.splitlines()[:3]] == ["pairs", "exact", "BLEU"]


def test_evaluate_refuses_bad_pairs(trained, here, refused):
    (here / "bad.tsv").write_text("a\tb\nab\n")
    refused("evaluate", trained, "bad.tsv", says="bad.tsv, line 2")
    refused("evaluate", trained, "none.tsv", says="none.tsv: there is no such file")


# gradcheck


@pytest.mark.slow
@pytest.mark.parametrize("layer", CASES)
def test_gradcheck_of_each_layer_is_right(layer, capsys):
    assert status_of("gradcheck", layer) == 0
    out, err = capsys.readouterr()
    assert f"\n{layer} " in out and "all right" in out and "WRONG" not in out and err == ""


@pytest.mark.slow
def test_gradcheck_of_everything_in_json(capsys):
    assert status_of("gradcheck", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert (
        list(report) == ["max_relative_error", "method", "arrays", "invariances"]
        and report["max_relative_error"] <= 1e-12
    )
    assert {row["layer"] for row in report["arrays"]} == set(CASES)
    assert all(list(row) == ["layer", "array", "shape", "max_relative_error", "ok"] for row in report["arrays"])
    assert {"seq2seq_attention", "seq2seq_plain"} < set(report["invariances"])
    assert set(report["invariances"]) == {name for name in CASES if name.startswith("seq2seq")}
    assert all(list(found.values()) == [True] * 8 for found in report["invariances"].values())
    unsettled = [(row["layer"], row["array"]) for row in report["arrays"] if row["ok"] is not True]
    assert unsettled == [("plain_decoder", "memory")]  # on which nothing depends


@pytest.mark.slow
def test_gradcheck_of_a_model_whose_gradients_alone_are_right_ends_with_status_1(capsys, monkeypatch):
    right = Attention.attend
    monkeypatch.setattr(
        Attention, "attend", lambda self, q, k, m, mask, cover: right(self, q, k, m, mask | True, cover)
    )
    assert status_of("gradcheck", "seq2seq_attention") == 1
    report, properties = capsys.readouterr().out.split("\nseq2seq_attention: what must not change\n")
    assert "all right" in report and properties.count("WRONG") == 3
    assert status_of("gradcheck", "seq2seq_attention", "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert all(row["ok"] for row in found["arrays"])
    wrong = {name for name, ok in found["invariances"]["seq2seq_attention"].items() if not ok}
    assert wrong == {"padding_invariance", "batch_independence", "parity"}


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
def test_with_standard_error_closed_nothing_strays_to_standard_output(trained):
    command = f'"{sys.executable}" -m minis2s translate nowhere abc 2>&-'
    done = subprocess.run(command, shell=True, stdout=subprocess.PIPE, env=ENVIRONMENT, timeout=60)
    assert (done.returncode, done.stdout) == (2, b"")


def test_gradcheck_by_central_difference(capsys):
    assert status_of("gradcheck", "linear", "--method", "central") == 0
    assert "central difference: all right" in capsys.readouterr().out


MINE = """
    import numpy as np
    from minis2s.layers.record import record

    @record
    class Mine:
        W: np.ndarray

        @staticmethod
        def case(rng):
            return Mine(rng.normal(size=(3, 2))), (rng.normal(size=(4, 3)),)

        def forward(self, x):
            return x @ self.W, x

        def backward(self, dy, x):
            return Mine(x.T @ dy), dy @ self.W.T
"""


def write_layer(here, old="", new=""):
    assert old in MINE
    (here / "mine.py").write_text(textwrap.dedent(MINE.replace(old, new) if old else MINE))
    return "mine.py:Mine"


def test_gradcheck_of_a_file(here, capsys):
    assert status_of("gradcheck", write_layer(here)) == 0
    assert "all right" in capsys.readouterr().out


def test_gradcheck_of_a_planted_bug_ends_with_status_1(here, capsys):
    assert status_of("gradcheck", write_layer(here, "Mine(x.T @ dy)", "Mine(-x.T @ dy)")) == 1
    out, _ = capsys.readouterr()
    assert "1 WRONG" in out
    assert status_of("gradcheck", "mine.py:Mine", "--json") == 1
    rows = json.loads(capsys.readouterr().out)["arrays"]
    assert [(row["array"], row["shape"], row["ok"]) for row in rows] == [("W", [3, 2], False), ("x", [4, 3], True)]


@pytest.mark.parametrize(
    "old, new, says",
    [
        (", dy @ self.W.T", ",", "mine.py:Mine"),  # no gradient of x
        ("dy @ self.W.T", "dy", "shape"),
        ("rng.normal(size=(3, 2))", "np.float32(rng.normal(size=(3, 2)))", "float32"),
        ("x @ self.W, x", "x @ self.V, x", "mine.py, line 14"),
        ("x @ self.W, x", "x @ self.W.T, x", "mine.py, line 14"),
        ("def case", "def case2", "case"),
        ("return Mine(rng", "raise ValueError('one\\ntwo')\n            return Mine(rng", "mine.py, line 11"),
        ("class Mine:", "class Mine", "mine.py, line 6"),
    ],
)
def test_gradcheck_refuses_a_file_with_a_reason(here, refused, old, new, says):
    refused("gradcheck", write_layer(here, old, new), says=says)


def test_gradcheck_refuses_what_is_not_there(here, refused):
    refused("gradcheck", "nothing", says=["'nothing'", "gru"])
    refused("gradcheck", "none.py:Mine", says="none.py: there is no such file")
    refused("gradcheck", "pairs.tsv:Mine", says="pairs.tsv: not a Python file")
    write_layer(here)
    refused("gradcheck", "mine.py:Other", says=["mine.py", "Other"])
    refused("gradcheck", "gru", "--method", "x", says="--method")


# data


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_data_prints_pairs(task, capsys):
    assert status_of("data", task, "--size", "5", "--seed", "1") == 0
    assert capsys.readouterr() == (format_pairs(make_pairs(task, 5, 1)), "")


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["nothing", "--size", "5", "--seed", "1"], ["'nothing'", "reversal"]),
        (["reversal", "--size", "0", "--seed", "1"], ["size"]),
        (["reversal", "--size", "x", "--seed", "1"], ["size"]),
        (["reversal", "--size", "5", "--seed", "-1"], ["seed"]),
        (["reversal", "--size", "5"], ["--seed"]),
    ],
)
def test_data_refuses(refused, arguments, says):
    refused("data", *arguments, says=says)


SPLIT = ["data", "dates", "--size", "3", "--seed", "0", "--split", "random", "--test", "2", "--out", "mine"]


@pytest.mark.parametrize("name", ["train.tsv", "test.tsv"])
def test_data_writes_over_other_files_by_force_only(here, refused, name):
    (here / "mine").mkdir()
    (here / "mine" / name).write_text("my own\tdata\n")
    refused(*SPLIT, says=[f"mine/{name}: ", "--force"])
    assert (here / "mine" / name).read_text() == "my own\tdata\n"
    assert status_of(*SPLIT, "--force") == 0
    written = {path.name: path.read_text() for path in (here / "mine").iterdir()}
    assert set(written) == {"train.tsv", "test.tsv"} and written[name] != "my own\tdata\n"
    assert status_of(*SPLIT) == 0  # the same bytes are there already
    (here / "mine" / name).write_text(written[name] + "more\tdata\n")
    refused(*SPLIT, says=f"mine/{name}: ")


@pytest.mark.parametrize("force", [[], ["--force"]])
@pytest.mark.parametrize("name", ["model.npz", "last.npz"])
def test_data_leaves_a_run_alone(here, refused, name, force):
    (here / "mine").mkdir()
    (here / "mine" / name).touch()
    refused(*SPLIT, *force, says="mine: this is a run")
    refused("data", "dates", "--size", "3", "--seed", "0", "--force", says="--force goes with --split")


@pytest.mark.parametrize("name", ["last.npz", "history.csv", "test.tsv"])
def test_no_file_of_a_run_is_what_it_learns_from(here, refused, name):
    (here / name).write_text(PAIRS)
    refused("train", name, *TINY, "--out", ".", "--force", says=f"{name}: the run would write its own {name}")


@pytest.mark.parametrize("name", ["matrix.txt", "matrix.png"])
def test_the_matrix_of_bugs_writes_over_its_own_files_only(here, refused, name):
    (here / name).write_text("precious")
    refused("bugs", "matrix", "--out", ".", says=f"{name}: not of a matrix of bugs")


# As a shell runs it


@pytest.mark.slow
def test_bytes_are_utf8_with_newlines_whatever_the_system_says(trained, here):
    environment = {**ENVIRONMENT, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    result = run_python("translate", trained, input="é\n".encode(), env=environment)
    assert result.returncode == 0 and result.stdout.endswith(b"\n") and b"\r" not in result.stdout
    (here / "é.tsv").write_text("".join(f"é{i}\té{i}\n" for i in range(12)), encoding="utf-8")
    result = run_python("train", "é.tsv", *TINY, env=environment)
    assert result.returncode == 0 and " é".encode() in result.stdout


def test_error_as_a_shell_sees_it(here):
    result = run_python("train", "none.tsv")
    assert result.returncode == 2 and result.stdout == b"" and result.stderr.count(b"\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("size", [10, 20_000])
def test_a_reader_that_leaves_early_is_no_error(size):
    """Also where all of the output still lies in a buffer when it leaves."""
    command = f"(sleep 0.2; {sys.executable} -m minis2s data reversal --size {size} --seed 0; echo status $? >&2)"
    result = subprocess.run(
        ["sh", "-c", f"{command} | true"], capture_output=True, text=True, timeout=60, env=ENVIRONMENT
    )
    assert result.stderr == "status 0\n"


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
@pytest.mark.parametrize(
    "arguments, status, says",
    [
        ("data reversal --size 10 --seed 0 >&-", 0, ""),
        ("evaluate {run} {run}/test.tsv >&-", 0, ""),
        ("translate {run} <&-", 2, "minis2s: error: standard input is closed; give a text after the run folder\n"),
    ],
)
def test_a_closed_stream_is_told_in_one_line_or_not_at_all(trained, arguments, status, says):
    command = f"{sys.executable} -m minis2s {arguments.format(run=trained)}"
    result = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, env=ENVIRONMENT)
    assert (result.returncode, result.stdout, result.stderr) == (status, "", says)


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("size", [10, 20_000])
def test_a_full_disk_is_told_in_one_line(size):
    with open("/dev/full", "w") as full:
        result = run_python("data", "reversal", "--size", size, "--seed", "0", stdout=full, text=True)
    assert result.returncode == 2 and len(result.stderr.splitlines()) == 1 and "No space left" in result.stderr
