"""The file of a model: what goes in comes out, and whatever else is in it ends in one line that says so."""

import io
import json
import os
import pickle
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minis2s.data.vocabulary import SPECIAL, Vocabulary
from minis2s.decoding.translator import Translator
from minis2s.errors import InputError
from minis2s.files import write_file
from minis2s.layers import cast, to_dict
from minis2s.training import checkpoint
from minis2s.training.checkpoint import FORMAT, WEIGHTS, ArrayFile, load_model, read_arrays, save_model, write_arrays
from tests.conftest import random_model

ODD = ("é", "e\u0301", "<unk", "😀", "\u0301", '"\\', "\u2028")  # with SPECIAL, the 11 source tokens of the model
TARGET = ("<EOS>", "\x00", "{}", "☃", "ß", "'")  # and its 10 target tokens


def make_translator(units="char", kind="additive"):
    model = cast(random_model(np.random.default_rng(3), kind), np.float32)
    return Translator(model, Vocabulary(SPECIAL + ODD), Vocabulary(SPECIAL + TARGET), units)


@pytest.fixture
def path(tmp_path):
    """A good file."""
    save_model(tmp_path / "model.npz", make_translator())
    return tmp_path / "model.npz"


def parts(path):
    """What the file says about itself, and its arrays."""
    with np.load(path) as file:
        arrays = dict(file)
    return json.loads(str(arrays.pop("minis2s"))), arrays


def rewrite(path, about, arrays):
    np.savez(path, minis2s=np.array(json.dumps(about)), **arrays)


def check_refused(path, says=""):
    """Expect one line that begins with the file and says what to do."""
    with pytest.raises(InputError) as caught:
        load_model(path)
    message = str(caught.value)
    assert len(message.splitlines()) == 1, message
    assert message.startswith(str(path)) and "; " in message and says in message, message
    return message


def check_same(got, want):
    assert (got.units, got.source, got.target) == (want.units, want.source, want.target)
    assert got.model.config == want.model.config
    got, want = to_dict(got.model), to_dict(want.model)
    assert list(got) == list(want)
    for name in want:
        np.testing.assert_array_equal(got[name], want[name], name, strict=True)


# Round trips


@pytest.mark.parametrize("kind", ["additive", "none"])
@pytest.mark.parametrize("units", ["char", "word"])
def test_what_is_saved_is_loaded(tmp_path, units, kind):
    translator = make_translator(units, kind)
    save_model(tmp_path / "model.npz", translator)
    check_same(load_model(tmp_path), translator)
    check_same(load_model(tmp_path / "model.npz"), translator)
    check_same(load_model(str(tmp_path)), translator)


@pytest.mark.slow
@given(st.sets(st.text(min_size=1), min_size=7, max_size=7).filter(lambda tokens: not tokens & set(SPECIAL)))
def test_any_token_survives(tmp_path_factory, tokens):
    translator = make_translator()
    translator = Translator(translator.model, Vocabulary((*SPECIAL, *tokens)), translator.target, "char")
    folder = tmp_path_factory.mktemp("any")
    save_model(folder / "model.npz", translator)
    assert load_model(folder).source == translator.source


def test_same_model_same_bytes(path, tmp_path):
    save_model(tmp_path / "again.npz", make_translator())
    save_model(tmp_path / "loaded.npz", load_model(path))
    assert (tmp_path / "again.npz").read_bytes() == path.read_bytes() == (tmp_path / "loaded.npz").read_bytes()


def test_arrays_of_any_type_survive(tmp_path):
    arrays = {"a": np.arange(3), "b": np.array(2.5), "c.d": np.zeros((0, 8), np.float32)}
    write_arrays(tmp_path / "x.npz", {"é": [1, None]}, arrays)
    about, loaded = read_arrays(tmp_path / "x.npz")
    assert about == {"format": FORMAT, "é": [1, None]}
    assert list(loaded) == list(arrays)
    for name in arrays:
        np.testing.assert_array_equal(loaded[name], arrays[name], strict=True)


def test_nothing_is_pickled(path, tmp_path):
    with zipfile.ZipFile(path) as file:
        for name in file.namelist():
            np.lib.format.read_array(io.BytesIO(file.read(name)), allow_pickle=False)
    with pytest.raises(ValueError):
        write_arrays(tmp_path / "x.npz", {}, {"a": np.array([{}])})
    assert os.listdir(tmp_path) == ["model.npz"]


# Writing: all or nothing


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("x"), KeyboardInterrupt()])
def test_failing_write_leaves_the_old_file_and_nothing_else(path, error):
    before = path.read_bytes()

    def write(file):
        file.write(b"half")
        raise error

    with pytest.raises(InputError if isinstance(error, OSError) else type(error)):
        write_file(path, write)
    assert path.read_bytes() == before and os.listdir(path.parent) == ["model.npz"]


def test_failing_rename_leaves_the_old_file_and_nothing_else(path, monkeypatch):
    def replace(old, new):
        raise PermissionError(13, "Permission denied")

    before = path.read_bytes()
    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(InputError, match=r"model.npz: cannot be written \(Permission denied\); .*\Z"):
        save_model(path, make_translator("word"))
    assert path.read_bytes() == before and os.listdir(path.parent) == ["model.npz"]


def test_a_file_in_a_missing_folder_cannot_be_written(tmp_path):
    with pytest.raises(InputError, match=r"^.*nowhere.x: cannot be written \(.*\); .*\Z"):
        write_file(tmp_path / "nowhere" / "x", lambda file: file.write(b"x"))


# Reading: everything that is not a whole model


def test_missing_or_a_folder_or_a_file_in_a_folders_place(path):
    check_refused(path.with_name("none.npz"), "there is no such file")
    with pytest.raises(InputError, match=r"model.npz: there is no such file; .*\Z"):
        load_model(path.with_name("nofolder"))
    (path.parent / "folder.npz").mkdir()
    check_refused(path.parent / "folder.npz", "there is no such file")
    (path.parent / "text").write_text("x")
    check_refused(path.parent / "text", "this is a file")


def test_truncated_anywhere(path):
    data = path.read_bytes()
    for size in {0, 1, 2, 3, 4, 21, 22, 30, 100, len(data) // 2, *range(7, len(data), 211), len(data) - 1}:
        path.write_bytes(data[:size])
        check_refused(path, "damaged or not a model")


def load_or_refuse(path, data, want):
    """Damage is refused, unless it is in bytes that mean nothing; never are other weights loaded."""
    path.write_bytes(data)
    try:
        got = load_model(path)
    except InputError as error:
        assert len(str(error).splitlines()) == 1 and str(error).startswith(str(path))
    else:
        check_same(got, want)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_flipped_bytes_anywhere(path):
    data, want = bytearray(path.read_bytes()), make_translator()
    central = data.index(b"PK\x01\x02")  # the zip file's directory: every entry's flags, method, sizes, name
    places = [*range(0, central, 53), *range(2), 6, 8, *range(central, central + 60), *range(len(data) - 22, len(data))]
    for place in places:
        for mask in (0x01, 0xFF):
            data[place] ^= mask
            load_or_refuse(path, data, want)
            data[place] ^= mask


@given(st.binary(max_size=300))
def test_random_bytes(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("random") / "model.npz"
    for start in (b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00"):
        path.write_bytes(start + data)
        check_refused(path)


def test_foreign_files(path):
    np.savez(path, weights=np.zeros(3))
    check_refused(path, "not written by minis2s")
    with open(path, "wb") as file:
        np.save(file, np.zeros(3))
    check_refused(path)
    path.write_text("hello\tworld\n")
    check_refused(path, "damaged or not a model")
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("minis2s", "x")
    check_refused(path)


class Trap:
    def __reduce__(self):
        return (pytest.fail, ("the file was unpickled",))


def test_pickles_are_never_opened(path):
    about, arrays = parts(path)
    rewrite(path, about, arrays | {"weights/output.b": np.array([Trap()])})
    check_refused(path)
    np.savez(path, minis2s=np.array([Trap()]))
    check_refused(path)
    path.write_bytes(pickle.dumps(Trap()))
    check_refused(path)


def test_newer_format(path):
    about, arrays = parts(path)
    rewrite(path, about | {"format": FORMAT + 1}, arrays)
    check_refused(path, f"format {FORMAT + 1} is newer")


@pytest.mark.parametrize(
    "text",
    [
        "[1, 2]",
        "null",
        "3",
        '"x"',
        "{",
        "",
        "{}",
        '{"format": null}',
        '{"format": "x"}',
        '{"format": 1e999}',
        "[" * 5000,
    ],
)
def test_description_that_is_no_description(path, text):
    _, arrays = parts(path)
    np.savez(path, minis2s=np.array(text), **arrays)
    check_refused(path)


@pytest.mark.slow
@pytest.mark.parametrize("entry", ["config", "units", "source", "target"])
@pytest.mark.parametrize("value", [None, 3, "x", [], {}, [1, 2, 3, 4, 5, 6, 7], [["a"]] * 7, "é"])
def test_entry_of_the_wrong_kind(path, entry, value):
    about, arrays = parts(path)
    rewrite(path, about | {entry: value}, arrays)
    check_refused(path, "not a whole model")
    del about[entry]
    rewrite(path, about, arrays)
    check_refused(path, "not a whole model")


@pytest.mark.parametrize("tokens", [["a"] * 7, ["<pad>", *"abcdef"]])
def test_tokens_that_stand_twice(path, tokens):
    about, arrays = parts(path)
    rewrite(path, about | {"source": tokens}, arrays)
    check_refused(path, "not a whole model")


@pytest.mark.parametrize(
    "field, value",
    [
        *[("hidden", value) for value in (5, 0, "4", 10**7, 10**30)],
        *[("attention", value) for value in ("none", "x", [])],
        *[("embedding", 2), ("source_vocabulary", 12), ("target_vocabulary", 9)],
    ],
)
def test_configuration_of_another_model(path, field, value):
    about, arrays = parts(path)
    rewrite(path, about | {"config": about["config"] | {field: value}}, arrays)
    check_refused(path, "not a whole model")


@pytest.mark.parametrize("field", ["layers", "encoder_hidden"])
def test_a_configuration_too_large_is_refused_before_anything_is_made(path, field):
    about, arrays = parts(path)
    bridge = {"bridge": "tanh"} if field == "encoder_hidden" else {}
    rewrite(path, about | {"config": about["config"] | bridge | {field: 10**15}}, arrays)
    check_refused(path, "not of the sizes in the configuration")


def test_vocabulary_of_another_size(path):
    about, arrays = parts(path)
    rewrite(path, about | {"target": about["target"][:-1]}, arrays)
    check_refused(path, "vocabular")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda array: array[:-1],
        lambda array: array[None],
        lambda array: array[0],
        lambda array: np.where(np.arange(array.size) == 1, np.nan, array).astype(np.float32),
        lambda array: np.where(np.arange(array.size) == 1, np.inf, array),
        lambda array: array.astype(complex),
        lambda array: array.astype(int),
        lambda array: array.astype(str),
    ],
)
def test_array_that_is_no_weight(path, spoil):
    about, arrays = parts(path)
    rewrite(path, about, arrays | {"weights/output.b": spoil(arrays["weights/output.b"])})
    assert "output.b" in check_refused(path, "not a whole model")


def test_array_missing_or_left_over(path):
    about, arrays = parts(path)
    rewrite(path, about, arrays | {"weights/more": np.zeros(2, np.float32)})
    check_refused(path, "more")
    del arrays["weights/output.b"]
    rewrite(path, about, arrays)
    check_refused(path, "output.b")


def test_permission_is_asked_for(path):
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    check_refused(path, "cannot be read")


@pytest.mark.parametrize("name", ["decoder.cell.W_h", "encoder.layers.0.cells.0.W_h", "embedding.E", "output.b"])
@pytest.mark.parametrize("array", [np.float32(1), np.zeros((0, 0), np.float32), np.zeros((1,) * 9, np.float32)])
def test_array_of_other_dimensions(path, name, array):
    about, arrays = parts(path)
    arrays |= {each: array for each in arrays if each == WEIGHTS + name or ("encoder" in name and "encoder" in each)}
    rewrite(path, about, arrays)
    check_refused(path, "not a whole model")


@pytest.mark.parametrize("name", ["weights/output.b", "weights/more"])
def test_headers_are_looked_at_before_arrays_are_read(path, name, monkeypatch):
    """A small file can hold compressed what no memory holds."""
    read = ArrayFile.read
    monkeypatch.setattr(ArrayFile, "read", lambda self, names=None: read(self, names) if names else pytest.fail("read"))
    about, arrays = parts(path)
    large = arrays | {name: np.zeros(10**6, np.float32)}
    np.savez_compressed(path, minis2s=np.array(json.dumps(about)), **large)
    check_refused(path, name.removeprefix("weights/"))


def test_a_description_that_is_none_is_not_read(path, monkeypatch):
    monkeypatch.setattr(ArrayFile, "read", lambda *_: pytest.fail("read"))
    monkeypatch.setattr(checkpoint, "MOST_ABOUT", 1000)
    for text in (np.array("x" * 251), np.array(["{}"]), np.array(3), np.array(b"{}")):
        np.savez(path, minis2s=text)
        check_refused(path, "damaged or not a model")


def test_a_model_of_a_newer_minis2s(path):
    about, arrays = parts(path)
    rewrite(path, about | {"config": about["config"] | {"heads": 4}}, arrays)
    check_refused(path, "this model was made with heads 4, which this minis2s does not know; install a newer one")


def test_tokens_that_are_no_text(path):
    about, arrays = parts(path)
    rewrite(path, about | {"source": [*about["source"][:-1], "a\ud800"]}, arrays)
    check_refused(path, r"the source vocabulary has the token 'a\ud800', which is no text")


@pytest.mark.skipif(os.name != "posix", reason="needs links and pipes")
def test_what_is_no_ordinary_file(path):
    os.mkfifo(path.with_name("pipe.npz"))
    check_refused(path.with_name("pipe.npz"), "this is not an ordinary file")
    path.with_name("circle.npz").symlink_to("circle.npz")
    check_refused(path.with_name("circle.npz"), "cannot be read")
    path.with_name("link.npz").symlink_to(path)
    check_same(load_model(path.with_name("link.npz")), make_translator())
    check_refused(path.with_name("x" * 300 + ".npz"), "cannot be read")
