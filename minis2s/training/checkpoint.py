"""Runs on disk: ``.npz`` files without pickle, looked at before they are read."""

import json
import os
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from minis2s.data.units import Sides
from minis2s.data.vocabulary import SPECIAL, Vocabulary
from minis2s.decoding.translator import Translator
from minis2s.errors import InputError
from minis2s.files import open_to_read, write_file
from minis2s.layers.record import from_dict, to_dict
from minis2s.models.config import Config
from minis2s.models.seq2seq import Seq2Seq
from minis2s.training.format_1 import config_now, in_order, name_now

FORMAT = 2  # of both files; raised when an older minis2s could not read them, or would read them wrongly
WEIGHTS = "weights/"
ABOUT = "minis2s"  # the array that holds the description, in JSON
SHOWN = 5  # names in an error
MOST_ABOUT = 2**28  # bytes of it: some hundred times that of a model with a large vocabulary


def write_arrays(path: Path, about: Mapping, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays of numbers and a JSON description of them."""
    if any(array.dtype.hasobject for array in arrays.values()):
        raise ValueError("arrays of objects are not saved: reading them would run whatever they hold")
    text = json.dumps({"format": FORMAT, **about}, ensure_ascii=False)
    named: dict[str, Any] = {ABOUT: np.array(text), **arrays}
    write_file(path, lambda file: np.savez(file, **named))


class Header(NamedTuple):
    """What an array is, known before it is read."""

    shape: tuple[int, ...]
    dtype: np.dtype


class ArrayFile:
    """An open file of arrays: what it says of itself, what arrays it has and, only when they are asked for, the arrays.

    A small file may claim, or hold compressed, more than the memory holds: look at the headers before ``read``.
    """

    def __init__(self, path: Path, file: BinaryIO):
        self.path, self.file = path, file
        with told(path):
            with zipfile.ZipFile(file) as members:
                names = {name.removesuffix(".npy"): name for name in members.namelist()}
                self.headers = {name: header(members, stored) for name, stored in names.items()}
            about = self.headers.pop(ABOUT)
            if about.shape or about.dtype.kind != "U" or about.dtype.itemsize > MOST_ABOUT:
                raise ValueError("no description")
            self.about = json.loads(str(self.read([ABOUT])[ABOUT]))
            self.version = int(self.about["format"])
        if self.version > FORMAT:
            raise InputError(
                f"{path}: format {self.version} is newer than this minis2s reads ({FORMAT}); install a newer one"
            )

    def read(self, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
        """Return arrays by name, all of them unless names are given."""
        self.file.seek(0)
        with told(self.path), np.load(self.file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in (self.headers if names is None else names)}


@contextmanager
def open_arrays(path: Path) -> Iterator[ArrayFile]:
    """Open what ``write_arrays`` wrote.

    Raises
    ------
    InputError
        If the file is missing, damaged, of something else, or of a newer minis2s.
    """
    with told(path):
        file = open_to_read(path, pipes=False)
    with file:
        yield ArrayFile(path, file)


def header(members: zipfile.ZipFile, name: str) -> Header:
    """Return the header of an array in a zip file."""
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    with members.open(name) as member:
        version = np.lib.format.read_magic(member)
        if version not in readers:
            raise ValueError("an array of another format")
        shape, _, dtype = readers[version](member)
    return Header(shape, dtype)


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Say in one line what is wrong with a file."""
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file; name the folder of a run, or train one") from None
    except NotADirectoryError:
        raise InputError(f"{path.parent}: this is a file; name the folder of a run") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); give the file of a run") from None
    except KeyError:
        raise InputError(f"{path}: this file was not written by minis2s; give the folder of a run") from None
    except InputError:
        raise
    except Exception:  # zip, NumPy and JSON have a dozen ways to say it
        raise InputError(f"{path}: the file is damaged or not a model; train again, or take a good copy") from None


def read_arrays(path: Path) -> tuple[dict, dict[str, np.ndarray]]:
    """Read what ``write_arrays`` wrote, whatever it holds; raises what ``open_arrays`` raises."""
    with open_arrays(path) as file:
        return file.about, file.read()


def check_shapes(found: Mapping[str, Header], wanted: Mapping[str, tuple[int, ...]]) -> None:
    """Raise ValueError if a name is missing or left over, or a shape another one."""
    if wrong := set(found) ^ set(wanted):
        raise ValueError(f"arrays missing or left over: {', '.join(sorted(wrong)[:SHOWN])}")
    for name, shape in wanted.items():
        if found[name].shape != shape:
            raise ValueError(f"{name} has shape {found[name].shape}, expected {shape}")


def check_known(path: Path, what: str, found: Mapping[str, Any], kind: type) -> None:
    """Raise InputError if a newer minis2s wrote more fields than ``kind`` has."""
    known = {field.name for field in fields(kind)}
    for name in found:
        if name not in known:
            raise InputError(
                f"{path}: {what} with {name} {json.dumps(found[name])}, which this minis2s does not know; install a "
                "newer one"
            )


def save_model(path: Path, translator: Translator) -> None:
    """Write weights, configuration, units and both vocabularies into one file."""
    about = {
        "config": asdict(translator.model.config),
        "units": translator.units.saved(),
        "source": translator.source.tokens[len(SPECIAL) :],
        "target": translator.target.tokens[len(SPECIAL) :],
    }
    write_arrays(path, about, {WEIGHTS + name: array for name, array in to_dict(translator.model).items()})


def load_model(run: str | Path) -> Translator:
    """Read the best model of a run.

    Parameters
    ----------
    run : the folder of a run, or its ``model.npz``

    Raises
    ------
    InputError
        If there is none, or the file is damaged, of something else, or of a newer minis2s.
    """
    path = Path(run)
    path = path if path.suffix == ".npz" and not os.path.isdir(path) else path / "model.npz"
    with open_arrays(path) as file:
        try:
            return translator_in(file)
        except InputError:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path}: not a whole model ({error}); train again, or take a good copy") from None


def translator_in(file: ArrayFile) -> Translator:
    """Return the translator that a file holds; raise KeyError, TypeError or ValueError if it holds none."""
    about = file.about
    if not isinstance(about["config"], dict):
        raise TypeError("the configuration is no table")
    parts = config_now(about["config"]) if file.version == 1 else about["config"]
    check_known(file.path, "this model was made", parts, Config)
    config = Config(**parts)  # what an older minis2s did not have yet is as it was then
    source, target = vocabulary_of("source", about["source"]), vocabulary_of("target", about["target"])
    if (len(source), len(target)) != (config.source_vocabulary, config.target_vocabulary):
        raise ValueError("the vocabularies are not of the sizes in the configuration")
    units = Sides.load(about["units"]).within(source.tokens, target.tokens)

    def name_of(stored: str) -> str:
        name = stored.removeprefix(WEIGHTS)
        return name_now(name) if file.version == 1 else name

    template = template_of(config, {name_of(stored): header for stored, header in file.headers.items()})
    weights = {name_of(stored): array for stored, array in file.read().items()}
    for name, array in weights.items():
        if not np.isfinite(array).all():
            raise ValueError(f"{name} holds something else than numbers")
    model = from_dict(template, weights)
    return Translator(model if file.version > 1 else in_order(model), source, target, units)


def vocabulary_of(side: str, saved: Any) -> Vocabulary:
    """Return the vocabulary that was saved; raise ValueError if it is none."""
    tokens = (*SPECIAL, *saved)
    if not all(isinstance(token, str) for token in tokens) or len(set(tokens)) < len(tokens):
        raise ValueError(f"the {side} vocabulary is not a list of different tokens")
    for token in tokens:
        if any("\ud800" <= letter <= "\udfff" for letter in token):
            raise ValueError(f"the {side} vocabulary has the token {token!a}, which is no text")
    return Vocabulary(tokens)


def template_of(config: Config, headers: Mapping[str, Header]) -> Seq2Seq:
    """Return a model of these sizes; raise ValueError if the arrays are not of one.

    Those sizes that all others follow from are looked at first, before anything so large is made.
    """
    sizes = {name: header.shape[-1:] for name, header in headers.items()}
    encoder = [size for name, size in sizes.items() if name.startswith("encoder.") and name.endswith(".W_h")]
    directions = 1 + config.bidirectional
    if (
        sizes["decoder.cell.W_h"] != (config.hidden,)
        or headers["embedding.E"].shape != (config.target_vocabulary, config.embedding)
        or len(encoder) != config.layers * directions
        or set(encoder) != {(config.memory // directions,)}
    ):
        raise ValueError("the weights are not of the sizes in the configuration")
    template = Seq2Seq.init(np.random.default_rng(0), config)
    check_shapes(headers, {name: array.shape for name, array in to_dict(template).items()})
    for name, header in headers.items():
        if header.dtype not in (np.float32, np.float64):
            raise ValueError(f"{name} holds something else than numbers")
    return template
