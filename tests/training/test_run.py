"""A run folder: what is in it, when it is refused, and that stopping and going on changes no bit."""

import csv
import errno
import itertools
import os
import shutil
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from minis2s import plots
from minis2s.data.pairs import read_pairs, split_pairs
from minis2s.data.tasks import make_pairs
from minis2s.data.vocabulary import EOS
from minis2s.decoding.assessment import assess
from minis2s.errors import InputError
from minis2s.files import write_file
from minis2s.layers import cast, to_vector
from minis2s.models import Seq2Seq
from minis2s.plots import figure as drawing
from minis2s.training import lock
from minis2s.training.checkpoint import ArrayFile, load_model, read_arrays, write_arrays
from minis2s.training.lock import NAME as LOCK
from minis2s.training.loop import Diverged, Report, Trainer, TrainingConfig
from minis2s.training.run import Parts, Run

PARTS = Parts(*split_pairs(make_pairs("reversal", 40, 0), 0))  # 32 to train on, 4 to validate, 4 to test
SETTINGS = TrainingConfig(epochs=2, batch=8, reports=4)  # 8 updates, a report after every second
SIZES = {"attention": "additive", "hidden": 6, "embedding": 4}
FILES = {"model.npz", "last.npz", "history.csv", "loss.png", "attention.png", "test.tsv"}
CLOCKS = [Report._fields.index(name) for name in ("tokens_per_second", "seconds", "seconds_left")]


def make_run(folder, parts=PARTS, settings=SETTINGS, sizes=SIZES, units="char", **options):
    return Run(Path(folder), parts, units, sizes, settings, **{"say": lambda line: None, **options})


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of a run that was never stopped."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert make_run(folder).train()
    return folder


@pytest.fixture
def stop_at(monkeypatch):
    """Press Ctrl-C just before an update, once."""

    def stop_at(update, error=KeyboardInterrupt):
        learn, pressed = Trainer.update, []

        def stopped(self, batch):
            if self.updates == update and not pressed:
                pressed.append(True)
                raise error
            return learn(self, batch)

        monkeypatch.setattr(Trainer, "update", stopped)

    return stop_at


@pytest.fixture(autouse=True)
def no_painting(whole, monkeypatch):
    """Only ``whole`` needs real pictures, which take longer than the training."""
    monkeypatch.setattr(drawing, "png", lambda figure: b"\x89PNG")


def contents(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def check_same_run(got, want):
    """Both folders hold the same bits, clocks aside."""
    assert (got / "model.npz").read_bytes() == (want / "model.npz").read_bytes()
    (about, state), (want_about, want_state) = (read_arrays(folder / "last.npz") for folder in (got, want))
    assert about == want_about and list(state) == list(want_state)
    for arrays in (state, want_state):
        arrays["history"] = np.delete(arrays["history"], CLOCKS, axis=1)
    for name in want_state:
        np.testing.assert_array_equal(state[name], want_state[name], name, strict=True)


# What a run leaves


@pytest.mark.slow
def test_run_leaves_its_files_and_no_others(whole):
    assert set(os.listdir(whole)) == FILES
    assert (whole / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert (whole / "attention.png").read_bytes().startswith(b"\x89PNG")
    assert [pair[:2] for pair in read_pairs(whole / "test.tsv")] == [pair[:2] for pair in PARTS.test]
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in whole.iterdir() if os.name == "posix")


def test_history_has_a_row_a_report(whole):
    with open(whole / "history.csv", newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    assert head == list(Report._fields)
    assert [int(row[1]) for row in rows] == [2, 4, 6, 8]
    assert [float(row[0]) for row in rows] == [0.5, 1.0, 1.5, 2.0]
    assert all(np.isfinite([float(value) for value in row]).all() for row in rows)


def test_progress_is_a_line_a_report(tmp_path):
    lines = []
    make_run(tmp_path, say=lines.append).train()
    assert len(lines) == 5 and not any("\n" in line for line in lines)
    assert "32 pairs to train on, 4 to validate" in lines[0] and "8 updates" in lines[0]


def test_without_attention_or_test_pairs_there_is_no_file_for_them(tmp_path):
    make_run(tmp_path, replace(PARTS, test=[]), sizes={**SIZES, "attention": "none"}).train()
    assert set(os.listdir(tmp_path)) == FILES - {"attention.png", "test.tsv"}


@pytest.mark.slow
def test_result_is_of_the_pairs_nothing_was_chosen_by(tmp_path):
    run = make_run(tmp_path)
    run.train()
    assert run.result() == ("test", assess(load_model(tmp_path), PARTS.test).figures)
    run.parts = replace(PARTS, test=[])
    assert run.result() == ("validation", assess(load_model(tmp_path), PARTS.valid).figures)


def test_vocabulary_is_of_the_training_part_only(tmp_path):
    strange = PARTS.valid[0]._replace(source="Ω", target="Ω")
    make_run(tmp_path, replace(PARTS, valid=[strange], test=[strange])).train()
    translator = load_model(tmp_path)
    assert "Ω" not in translator.source.ids and "Ω" not in translator.target.ids


def test_first_weights_are_drawn_from_a_stream_of_their_own(tmp_path):
    run = make_run(tmp_path, settings=replace(SETTINGS, seed=7))
    want = cast(Seq2Seq.init(np.random.default_rng([7, 3]), run.translator.model.config), np.float32)
    np.testing.assert_array_equal(run.trainer.vector, to_vector(want), strict=True)


@pytest.mark.parametrize("sizes, drawn", [([3, 30, 31], 30), ([5, 2, 9, 40], 9), ([31, 40], None)])
def test_the_longest_source_that_fits_is_drawn(tmp_path, monkeypatch, sizes, drawn):
    pictures = []
    monkeypatch.setattr(plots, "loss_curves", lambda columns: None)
    monkeypatch.setattr(plots, "attention_map", lambda alphas, source, target: pictures.append((source, target)))
    valid = [PARTS.valid[0]._replace(source="a" * size) for size in sizes]
    run = make_run(tmp_path, replace(PARTS, valid=valid))
    run.trainer.best.output.b[EOS] = -50  # it writes on and on
    run.trainer.history.append(Report(*range(8)))
    run.draw()
    assert [(len(source), len(target)) for source, target in pictures] == [(drawn, 30)] * (drawn is not None)
    assert (tmp_path / "attention.png").exists() == (drawn is not None)


@pytest.mark.skipif(os.name != "posix", reason="needs a umask")
@pytest.mark.parametrize("umask, mode", [(0o077, 0o600), (0o022, 0o644), (0o002, 0o664)])
def test_a_file_may_be_read_by_whom_the_umask_allows(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        write_file(tmp_path / "file", lambda file: file.write(b"text"))
        after = os.umask(umask)
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == mode and after == umask


# A folder that holds a run


@pytest.mark.parametrize("name", ["model.npz", "last.npz"])
def test_a_run_is_not_overwritten(tmp_path, name):
    (tmp_path / name).write_text("precious")
    with pytest.raises(InputError, match=r"holds a run already; .*--resume.*--force.*--out\Z"):
        make_run(tmp_path)
    assert contents(tmp_path) == {name: b"precious"}


@pytest.mark.parametrize("name", ["history.csv", "loss.png", "attention.png", "test.tsv"])
def test_a_file_that_is_in_the_way_is_not_deleted(tmp_path, name):
    (tmp_path / name).write_text("precious")
    with pytest.raises(InputError, match=r"^[^\n]*; [^\n]*--out[^\n]*\Z"):
        make_run(tmp_path)
    assert contents(tmp_path) == {name: b"precious"}


@pytest.mark.slow
def test_force_starts_over(tmp_path, whole):
    make_run(tmp_path, settings=replace(SETTINGS, seed=9), parts=replace(PARTS, test=[])).train()
    (tmp_path / "notes.txt").write_text("mine")
    run = make_run(tmp_path, force=True)
    assert set(os.listdir(tmp_path)) == {"last.npz", "test.tsv", "notes.txt", LOCK}  # nothing of the old run stays
    run.train()
    check_same_run(tmp_path, whole)
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"settings": replace(SETTINGS, seed=1)}, {"sizes": {**SIZES, "hidden": 7}}])
@pytest.mark.parametrize("other", [{}, {"force": True}])
def test_another_seed_or_size_is_another_run(tmp_path, whole, options, other):
    make_run(tmp_path, **options, **other).train()
    assert (tmp_path / "model.npz").read_bytes() != (whole / "model.npz").read_bytes()


# Stopping and going on


@pytest.mark.slow
@pytest.mark.parametrize("update", [0, 1, 2, 3, 7])
def test_stopped_and_resumed_is_never_stopped(tmp_path, whole, stop_at, update):
    stop_at(update)
    assert make_run(tmp_path).train() is False
    assert load_model(tmp_path).translate(["abc"])[0].source == ["a", "b", "c"]  # usable at once
    assert ("loss.png" in os.listdir(tmp_path)) == (update >= 2)
    resumed = make_run(tmp_path, resume=True)
    assert resumed.trainer.updates == update // 2 * 2  # the last report
    assert resumed.train() is True
    check_same_run(tmp_path, whole)
    assert set(os.listdir(tmp_path)) == FILES


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["save", "say"])
def test_stopped_between_the_first_report_and_its_file(tmp_path, whole, monkeypatch, moment):
    def press(line=""):
        if moment == "save" or line.startswith("epoch"):
            raise KeyboardInterrupt

    with monkeypatch.context() as m:
        if moment == "save":
            m.setattr(Run, "save", lambda self: press())
        assert make_run(tmp_path, say=press if moment == "say" else print).train() is False
    load_model(tmp_path)
    make_run(tmp_path, resume=True).train()
    check_same_run(tmp_path, whole)


def test_killed_and_resumed_is_never_stopped(tmp_path, whole, stop_at):
    stop_at(5, SystemExit)  # what no one catches
    with pytest.raises(SystemExit):
        make_run(tmp_path).train()
    make_run(tmp_path, resume=True).train()
    check_same_run(tmp_path, whole)


def test_a_run_of_before_the_family_goes_on(tmp_path, whole, stop_at):
    """Its last.npz lacks the settings and parts of a model that came later; they are what they were then."""
    stop_at(5)
    assert not make_run(tmp_path / "run").train()
    path = tmp_path / "run" / "last.npz"
    about, arrays = read_arrays(path)
    for part, names in (
        ("settings", ("schedule", "clip_by", "teacher_decay")),
        ("config", ("cell", "order", "tie_output")),
    ):
        for name in names:
            del about[part][name]
    write_arrays(path, about, arrays)
    assert make_run(tmp_path / "run", resume=True).train()
    check_same_run(tmp_path / "run", whole)


def test_resuming_a_finished_run_changes_nothing(tmp_path, whole):
    make_run(tmp_path).train()
    before = contents(tmp_path)
    assert make_run(tmp_path, resume=True).train() is True
    assert contents(tmp_path) == before
    check_same_run(tmp_path, whole)


def test_there_has_to_be_a_run_to_resume(tmp_path):
    with pytest.raises(InputError, match=r"holds no run to resume; .*\Z"):
        make_run(tmp_path / "none", resume=True)
    assert not (tmp_path / "none").exists()


OTHER_PAIRS = Parts(*split_pairs(make_pairs("copy", 40, 1), 0))
FEWER_LETTERS = Parts(*split_pairs(make_pairs("addition", 40, 1), 0))


@pytest.mark.parametrize(
    "options, says",
    [
        ({"settings": replace(SETTINGS, epochs=3)}, "epochs 2, not 3"),
        ({"settings": replace(SETTINGS, rate=0.5)}, "rate 0.003, not 0.5"),
        ({"settings": replace(SETTINGS, seed=1)}, "seed 0, not 1"),
        ({"sizes": {**SIZES, "hidden": 7}}, "hidden 6, not 7"),
        ({"sizes": {**SIZES, "attention": "none"}}, 'attention "additive", not "none"'),
        ({"units": "word"}, "units char, not word"),
        ({"parts": OTHER_PAIRS}, "other pairs"),
        ({"parts": FEWER_LETTERS}, "other pairs"),
        ({"parts": replace(PARTS, valid=PARTS.valid[1:])}, "other pairs"),
    ],
)
def test_resuming_with_something_else_is_refused_by_name(whole, options, says):
    before = contents(whole)
    with pytest.raises(InputError, match=rf"last.npz: this run was started with {says}; [^\n]*--force\Z"):
        make_run(whole, **options, resume=True)
    assert contents(whole) == before


@pytest.mark.parametrize("other", ["model.npz", "loss.png"])
def test_resuming_from_a_foreign_last_is_refused(tmp_path, whole, other):
    (tmp_path / "last.npz").write_bytes((whole / other).read_bytes())
    with pytest.raises(InputError, match=r"last.npz: (not|the file is damaged)[^\n]*\Z"):
        make_run(tmp_path, resume=True)


@pytest.mark.slow
def test_resuming_from_half_a_file_is_refused(tmp_path, whole):
    data = (whole / "last.npz").read_bytes()
    for size in range(0, len(data), 1009):
        (tmp_path / "last.npz").write_bytes(data[:size])
        with pytest.raises(InputError, match=r"last.npz: the file is damaged[^\n]*\Z"):
            make_run(tmp_path, resume=True)


@pytest.mark.parametrize("name", ["parameters", "best", "best_score", "history", "update", "optimizer.m"])
def test_resuming_without_an_array_or_with_another_shape_is_refused(tmp_path, whole, name):
    with np.load(whole / "last.npz") as file:
        arrays = dict(file)
    for spoiled in ({name: np.zeros((3, 1, 2))}, {}):
        np.savez(tmp_path / "last.npz", **{key: a for key, a in arrays.items() if key != name}, **spoiled)
        with pytest.raises(InputError, match=r"last.npz: not a whole run[^\n]*--force\Z"):
            make_run(tmp_path, resume=True)


def spoilt(name, *place, value):
    """Change one entry of an array."""
    return lambda about, state: state[name].__setitem__(place, value)


def cast_to(name, kind):
    return lambda about, state: state.update({name: state[name].astype(kind)})


def another(name, array):
    return lambda about, state: state.update({name: np.array(array)})


DAMAGE = [
    *[cast_to(name, kind) for name in ("parameters", "best") for kind in (int, bool, complex, str)],
    *[cast_to(name, kind) for name in ("best_score", "history") for kind in (np.float32, bool, complex, str)],
    *[cast_to(name, np.float64) for name in ("parameters", "best", "optimizer.m", "update", "optimizer.t")],
    *[another(name, 1.0) for name in ("parameters", "best", "best_score", "history", "optimizer.m")],
    *[spoilt(name, 3, value=bad) for name in ("parameters", "best") for bad in (np.nan, np.inf)],
    *[spoilt("best_score", 0, value=bad) for bad in (np.nan, np.inf, 0.999)],
    *[spoilt("history", 0, 1, value=bad) for bad in (np.nan, np.inf, -5, 2.5, 3, 1e300)],
    *[spoilt("history", 1, column, value=np.inf) for column in range(8)],
    spoilt("optimizer.v", 3, value=np.nan),
    *[another("update", update) for update in (-5, 7, 10**12, [8])],
    *[another("optimizer.t", update) for update in (-5, 0, 7)],
    lambda about, state: state.update(history=state["history"][:-1]),
    lambda about, state: state.update(history=np.concatenate([state["history"]] * 2)),
    lambda about, state: state.update(history=state["history"][::-1]),
    lambda about, state: state.update(history=state["history"][:0]),
    lambda about, state: state.update(more=np.zeros(3)),
]


@pytest.mark.slow
@pytest.mark.parametrize("damage", range(len(DAMAGE)))
def test_a_state_that_training_cannot_have_left_is_refused(tmp_path, whole, damage):
    about, state = read_arrays(whole / "last.npz")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        DAMAGE[damage](about, state)
    write_arrays(tmp_path / "last.npz", about, state)
    before = contents(tmp_path)
    with pytest.raises(InputError, match=r"last.npz: not a whole run \([^\n]*\); start over with --force\Z"):
        make_run(tmp_path, resume=True)
    assert contents(tmp_path) == before


def test_a_state_is_refused_before_its_arrays_are_read(tmp_path, whole, monkeypatch):
    read = ArrayFile.read
    monkeypatch.setattr(ArrayFile, "read", lambda self, names=None: read(self, names) if names else pytest.fail("read"))
    with np.load(whole / "last.npz") as file:
        arrays = dict(file)
    np.savez_compressed(tmp_path / "last.npz", **arrays | {"parameters": np.zeros(10**6, np.float32)})
    with pytest.raises(InputError, match=r"not a whole run \(parameters has shape \(1000000,\), expected"):
        make_run(tmp_path, resume=True)


@pytest.mark.parametrize("part", ["settings", "config"])
def test_a_run_of_a_newer_minis2s_is_refused_by_name(tmp_path, whole, part):
    about, state = read_arrays(whole / "last.npz")
    about[part]["warmup"] = 1
    write_arrays(tmp_path / "last.npz", about, state)
    with pytest.raises(InputError, match=r"started with warmup 1, which this minis2s does not know; install a newer"):
        make_run(tmp_path, resume=True)


# Killed at any moment


def die_at(moment):
    """Kill this process just before it renames or removes a file for the nth time."""
    count = itertools.count()

    def dying(real):
        def change(*arguments, **options):
            if next(count) == moment:
                os._exit(9)
            return real(*arguments, **options)

        return change

    os.replace, os.unlink = dying(os.replace), dying(os.unlink)


def in_a_child(act):
    """Let a child process act; return whether it came to the end."""
    child = os.fork()
    if child == 0:
        try:
            act()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs fork")
@pytest.mark.parametrize("old", [None, replace(SETTINGS, seed=9)], ids=["new", "forced"])
def test_killed_at_any_moment_and_resumed_is_never_stopped(tmp_path, whole, old):
    """Also while it starts over in the folder of another run; and nothing of what was half-written stays."""
    want, settings = tmp_path / "want", replace(SETTINGS, epochs=1, reports=2)
    make_run(want, settings=settings, flow=True).train()
    if old:
        make_run(tmp_path / "old", parts=OTHER_PAIRS, settings=old, flow=True).train()
    for moment in itertools.count():
        folder = tmp_path / str(moment)
        if old:
            shutil.copytree(tmp_path / "old", folder)
        before = contents(folder) if old else {}

        def act(folder=folder, moment=moment):
            die_at(moment)
            make_run(folder, settings=settings, flow=True, force=True).train()

        ended = in_a_child(act)
        began = (folder / "last.npz").exists() and read_arrays(folder / "last.npz")[0]["settings"]["seed"] == 0
        if began:
            make_run(folder, settings=settings, flow=True, resume=True).train()
            check_same_run(folder, want)
            assert set(os.listdir(folder)) == set(os.listdir(want))
            for name in ("test.tsv", "flow.csv"):
                assert (folder / name).read_bytes() == (want / name).read_bytes()
        else:  # nothing of the old run is touched before the new one can be resumed
            left = contents(folder)
            assert {name: left[name] for name in before} == before
        if ended:
            break
    assert moment > 10


@pytest.mark.slow
@pytest.mark.parametrize("name", ["model.npz", "history.csv", "flow.csv", "test.tsv"])
@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_text("")])
def test_resuming_makes_what_is_missing_or_spoilt(tmp_path, name, spoil):
    make_run(tmp_path, flow=True, settings=replace(SETTINGS, reports=1)).train()
    before = contents(tmp_path)
    spoil(tmp_path / name)
    make_run(tmp_path, flow=True, settings=replace(SETTINGS, reports=1), resume=True).train()
    assert contents(tmp_path) == before


# Two at once


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"force": True}, {"resume": True}])
def test_two_runs_in_one_folder_are_refused(tmp_path, options):
    first = make_run(tmp_path)
    before = contents(tmp_path)
    with pytest.raises(InputError, match=r"another process is writing there; [^\n]*--out\Z"):
        make_run(tmp_path, **options)
    assert contents(tmp_path) == before
    assert first.train() and not (tmp_path / LOCK).exists()
    assert make_run(tmp_path, resume=True).train()


def test_a_killed_process_leaves_no_lock(tmp_path):
    code = (
        "import time; from pathlib import Path; from minis2s.training.lock import Lock; "
        f"lock = Lock(Path({str(tmp_path)!r})); print(1, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as other:
        assert other.stdout.readline()
        with pytest.raises(InputError, match="another process is writing there"):
            make_run(tmp_path)
        other.kill()
    assert os.listdir(tmp_path) == [LOCK]
    assert make_run(tmp_path).train() and not (tmp_path / LOCK).exists()


@pytest.mark.skipif(os.name != "posix", reason="elsewhere no open file is removed")
def test_a_lock_on_a_file_that_is_gone_is_none(tmp_path, monkeypatch):
    """Between opening and locking its last holder removed it: whoever comes next makes another."""
    real, times = lock.lock, []

    def late(file):
        if not times:
            (tmp_path / LOCK).unlink()
        times.append(real(file))

    monkeypatch.setattr(lock, "lock", late)
    with lock.Lock(tmp_path):
        assert len(times) == 2
        with pytest.raises(InputError):
            lock.Lock(tmp_path)


def test_a_disk_without_locks_is_no_obstacle(tmp_path, monkeypatch):
    def unknown(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock.fcntl, "flock", unknown) if os.name == "posix" else pytest.skip("needs flock")
    make_run(tmp_path)


@pytest.mark.parametrize("options", [{"force": True}, {"resume": True}])
def test_what_a_killed_training_left_half_written_is_removed(tmp_path, whole, options):
    make_run(tmp_path).train()
    left = [f".{name}.abcd0123" for name in FILES]
    for name in (*left, ".notes.abcd0123"):
        (tmp_path / name).touch()
    make_run(tmp_path, **options).train()
    assert set(os.listdir(tmp_path)) == FILES | {".notes.abcd0123"}


# What goes wrong on the way


def test_a_loss_that_is_no_number_keeps_the_best_model(tmp_path, stop_at):
    stop_at(5, Diverged("the loss is nan"))
    with pytest.raises(Diverged):
        make_run(tmp_path).train()
    assert set(os.listdir(tmp_path)) == FILES
    assert read_arrays(tmp_path / "last.npz")[1]["update"] == 4
    load_model(tmp_path)


def test_the_first_failure_is_the_one_that_is_told(tmp_path, monkeypatch):
    def fail(what):
        def failing(*_):
            raise InputError(what)

        return failing

    monkeypatch.setattr(Run, "save_state", fail("first"))
    with pytest.raises(InputError, match="first"):
        make_run(tmp_path)
    monkeypatch.undo()
    run = make_run(tmp_path)
    monkeypatch.setattr(Run, "save_state", fail("first"))
    monkeypatch.setattr(Run, "draw", fail("second"))
    with pytest.raises(InputError, match="first"):
        run.train()
    assert not (tmp_path / LOCK).exists()


def test_a_loss_that_is_no_number_before_the_first_report_blocks_no_second_try(tmp_path, stop_at):
    stop_at(0, Diverged("the loss is nan"))
    with pytest.raises(Diverged):
        make_run(tmp_path).train()
    make_run(tmp_path, settings=replace(SETTINGS, rate=1e-3), force=True).train()
    load_model(tmp_path)


def test_a_folder_that_is_a_file_or_in_one(tmp_path):
    (tmp_path / "file").write_text("precious")
    for folder in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(InputError, match=r"cannot be made \([^\n]*\); choose --out elsewhere\Z"):
            make_run(folder)
    assert contents(tmp_path) == {"file": b"precious"}


def test_a_name_too_long_for_a_folder(tmp_path):
    with pytest.raises(InputError, match=r"cannot be [^\n]*; [^\n]*--out[^\n]*\Z"):
        make_run(tmp_path / ("x" * 300))


def test_a_folder_in_the_place_of_a_file(tmp_path):
    (tmp_path / "model.npz").mkdir()
    with pytest.raises(InputError, match=r"^[^\n]*\Z"):
        make_run(tmp_path, force=True)


def test_a_folder_that_cannot_be_written(tmp_path):
    tmp_path.chmod(0o555)
    try:
        if os.access(tmp_path, os.W_OK):
            pytest.skip("this user may write everywhere")
        for folder in (tmp_path, tmp_path / "run"):
            with pytest.raises(InputError, match=r"cannot be (made|written) [^\n]*\Z"):
                make_run(folder)
    finally:
        tmp_path.chmod(0o755)


@pytest.mark.parametrize("sizes", [{"hidden": 0}, {"embedding": -1}, {"attention": "x"}])
def test_bad_sizes_leave_nothing(tmp_path, sizes):
    with pytest.raises(InputError, match=rf"^{next(iter(sizes))} is .*\Z"):
        make_run(tmp_path / "run", sizes={**SIZES, **sizes})
    assert not (tmp_path / "run").exists()


def test_the_same_pairs_have_the_same_fingerprint_and_others_another():
    moved = Parts(PARTS.train, PARTS.test, PARTS.valid)
    prints = {parts.fingerprint() for parts in (PARTS, moved, OTHER_PAIRS, replace(PARTS, test=[]))}
    assert len(prints) == 4
    assert replace(PARTS, train=list(PARTS.train)).fingerprint() == PARTS.fingerprint()
