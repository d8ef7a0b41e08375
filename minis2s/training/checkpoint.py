"""Runs on disk: ``.npz`` files without pickle, written to a temporary name and renamed."""

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import numpy as np

from minis2s.data.units import Sides
from minis2s.data.vocabulary import SPECIAL, Vocabulary
from minis2s.decoding.translator import Translator
from minis2s.errors import InputError
from minis2s.layers.record import from_dict, to_dict
from minis2s.models.config import Config
from minis2s.models.seq2seq import Seq2Seq

FORMAT = 1  # of both files; raised when an older minis2s could not read them
WEIGHTS = "weights/"


def write_file(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Let ``write`` fill a temporary file beside ``path``, then give it that name: never half a file.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                write(file)
            umask = os.umask(0)  # there is no other way to ask for it
            os.umask(umask)
            os.chmod(temporary, 0o666 & ~umask)  # as an ordinary file, not a private one
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); choose another place") from None


def write_arrays(path: Path, about: Mapping, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays of numbers and a JSON description of them."""
    if any(array.dtype.hasobject for array in arrays.values()):
        raise ValueError("arrays of objects are not saved: reading them would run whatever they hold")
    text = json.dumps({"format": FORMAT, **about}, ensure_ascii=False)
    write_file(path, lambda file: np.savez(file, minis2s=np.array(text), **arrays))


def read_arrays(path: Path) -> tuple[dict, dict[str, np.ndarray]]:
    """Read what ``write_arrays`` wrote.

    Raises
    ------
    InputError
        If the file is missing, damaged, of something else, or of a newer minis2s.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        about = json.loads(str(arrays.pop("minis2s")))
        version = int(about["format"])
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file; name the folder of a run, or train one") from None
    except NotADirectoryError:
        raise InputError(f"{path.parent}: this is a file; name the folder of a run") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); give the file of a run") from None
    except KeyError:
        raise InputError(f"{path}: this file was not written by minis2s; give the folder of a run") from None
    except Exception:  # zip, NumPy and JSON have a dozen ways to say it
        raise InputError(f"{path}: the file is damaged or not a model; train again, or take a good copy") from None
    if version > FORMAT:
        raise InputError(f"{path}: format {version} is newer than this minis2s reads ({FORMAT}); install a newer one")
    return about, arrays


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
    path = path if path.suffix == ".npz" and not path.is_dir() else path / "model.npz"
    about, arrays = read_arrays(path)
    try:
        config = Config(**about["config"])  # what an older minis2s did not have yet is as it was then
        for side in ("source", "target"):
            tokens = [*SPECIAL, *about[side]]
            if not all(isinstance(token, str) for token in tokens) or len(set(tokens)) < len(tokens):
                raise ValueError(f"the {side} vocabulary is not a list of different tokens")
        vocabularies = [Vocabulary((*SPECIAL, *about[side])) for side in ("source", "target")]
        if [len(vocabulary) for vocabulary in vocabularies] != [config.source_vocabulary, config.target_vocabulary]:
            raise ValueError("the vocabularies are not of the sizes in the configuration")
        units = Sides.load(about["units"]).within(*(vocabulary.tokens for vocabulary in vocabularies))
        weights = {name.removeprefix(WEIGHTS): array for name, array in arrays.items()}
        directions = 1 + config.bidirectional  # all sizes are looked at before anything so large is made
        encoder = [weights[name].shape[-1] for name in weights if name.startswith("encoder.") and name.endswith(".W_h")]
        if (
            weights["decoder.cell.W_h"].shape[-1] != config.hidden
            or weights["embedding.E"].shape != (config.target_vocabulary, config.embedding)
            or len(encoder) != config.layers * directions
            or set(encoder) != {config.memory // directions}
        ):
            raise ValueError("the weights are not of the sizes in the configuration")
        template = Seq2Seq.init(np.random.default_rng(0), config)
        for name, array in weights.items():
            if array.dtype not in (np.float32, np.float64) or not np.isfinite(array).all():
                raise ValueError(f"{name} holds something else than numbers")
        return Translator(from_dict(template, weights), *vocabularies, units)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not a whole model ({error}); train again, or take a good copy") from None
