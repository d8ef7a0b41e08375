"""Does the test suite notice one wrong character? Break the library in one place at a time and see who complains.

    python -m tests.benchmarks.mutation --sample 90 --seed 0 --out mutants.jsonl
    python -m tests.benchmarks.mutation --files layers/gru.py checks/user_layers/check.py decoding --out mutants.jsonl

It works on a copy of the repository it is started in. A mutant differs in one node of one syntax tree of a room of
``minis2s``: layers and models and, of ``checks``, the files that judge; others only if asked for. First come the checks
that find most mutants of layers and models within seconds (``--quick``), then, if they find nothing, the room's fast
tests (``TESTS``); a failure, an exception and a time limit kill it. Who survives is equivalent, slower, or a missing
test; a human says which. With ``--out`` a run can be stopped and taken up again; the mutants of a file that has changed
since are judged anew. Not mutated, as no result depends on it: strings, annotations, decorators, imports, what stands
under ``if TYPE_CHECKING``, and what a ``raise`` says.
"""

import argparse
import ast
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue

PYTEST = "-x -q --tb=line -p no:cacheprovider -m".split()
PYTEST += ["not trains", "--deselect", "tests/layers/test_golden.py::test_make_golden_reproduces_the_file"]
LAYERS = "layers models checks/test_gradcheck.py decoding/test_decoding.py training/test_checkpoint.py"
TESTS = {  # by how a name begins; the first that fits. What finds most in the shortest time comes first
    ("layers", "models"): LAYERS,
    ("checks/user_layers",): "checks/user_layers checks/test_verdicts.py checks/invariances",
    ("checks/diagnosis",): "checks/diagnosis checks/test_report.py checks/test_weak_setups.py",
    ("checks/invariances",): "checks/test_tolerances.py checks/test_verdicts.py checks/invariances",
    ("checks",): "checks/test_tolerances.py checks/test_verdicts.py checks checks/user_layers",
    ("decoding",): "decoding commands/test_translate.py",
    ("training",): "training",
    ("data",): "data layers/test_layers.py",
}
JUDGES = "derivatives comparison gradcheck report weak_setups cases v_curve invariances/__init__ invariances/batching "
JUDGES += "invariances/equivalence invariances/result invariances/outputs user_layers/check user_layers/contract "
JUDGES += "user_layers/compare record_check"  # the others are about which cause is named
EVERYWHERE = ["layers", "models", *(f"checks/{name}.py" for name in JUDGES.split())]
SLOWEST = 600  # seconds

SWAPS = "Add Sub, Sub Add, Mult Div, Div Mult, MatMult Mult, Pow Mult, Mod FloorDiv, FloorDiv Mult, BitXor BitAnd, "
SWAPS += "Lt LtE GtE, LtE Lt Gt, Gt GtE LtE, GtE Gt Lt, Eq NotEq, NotEq Eq, Is IsNot, IsNot Is, In NotIn, NotIn In, "
SWAPS = {before: after for before, *after in map(str.split, f"{SWAPS}And Or, Or And".split(", "))}
OPPOSITES = {"min": "max", "max": "min", "any": "all", "all": "any"}
AXES = {"0": -1, "-1": 0, "1": 0, "-2": -1}
TAKES_AXIS = ("sum", "mean", "max", "min", "any", "all", "cumsum", "split")  # last, and without its name


def replacements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what to put in the place of a node."""

    def but(**fields: object) -> ast.AST:
        return type(node)(**{**vars(node), **fields})

    yield from (but(op=getattr(ast, to)()) for to in SWAPS.get(type(getattr(node, "op", None)).__name__, ()))
    match node:
        case ast.AugAssign(target=target, value=value):
            yield ast.Assign(targets=[target], value=value, lineno=node.lineno)
        case ast.Compare(ops=ops):
            for i, op in enumerate(ops):
                yield from (but(ops=[*ops[:i], getattr(ast, to)(), *ops[i + 1 :]]) for to in SWAPS[type(op).__name__])
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(value))):
            yield ast.Constant(1 - value)  # as a whole: of two axes, 1 is -1 again
        case ast.UnaryOp(op=ast.USub() | ast.Not(), operand=operand):
            yield operand
        case ast.Constant(value=bool(value)):  # keepdims among them
            yield ast.Constant(not value)
        case ast.Constant(value=int(value) | float(value)):
            yield ast.Constant(value + 1 if isinstance(value, int) else 2 * value or 1.0)
        case ast.Slice():
            for bound in ("lower", "upper", "step"):
                if (value := getattr(node, bound)) is not None:
                    yield but(**{bound: None})
                    if not isinstance(value, ast.Constant):  # a constant bound grows as a constant
                        yield but(**{bound: ast.BinOp(value, ast.Add(), ast.Constant(1))})
        case ast.Attribute(value=value, attr="T") | ast.Call(func=ast.Attribute(value=value, attr="swapaxes")):
            yield value
        case ast.If(test=ast.Name() | ast.Attribute()) | ast.IfExp(test=ast.Name() | ast.Attribute()):
            yield but(test=ast.UnaryOp(ast.Not(), node.test))
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in OPPOSITES:
            yield but(**{"id" if isinstance(node, ast.Name) else "attr": OPPOSITES[name]})
        case ast.keyword(arg=str(name), value=axis) if name.startswith("axis") and ast.unparse(axis) in AXES:
            yield but(value=ast.Constant(AXES[ast.unparse(axis)]))
        case ast.Call(func=ast.Attribute(attr=name), args=[*first, axis]):
            if name in TAKES_AXIS and ast.unparse(axis) in AXES:
                yield but(args=[*first, ast.Constant(AXES[ast.unparse(axis)])])


def places(node: ast.AST, above: tuple = ()) -> Iterator[tuple]:
    """Yield the way to every node that may be mutated: the nodes above it, the field and the index of each step."""
    for field, value in ast.iter_fields(node):
        for i, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            skipped = field in ("annotation", "returns", "decorator_list", "bases") or isinstance(child, ast.Raise)
            skipped |= isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            if isinstance(child, ast.AST) and not skipped:
                yield (*above, (node, field, i, child))
                if not isinstance(child, ast.UnaryOp) or not isinstance(child.operand, ast.Constant):
                    yield from places(child, (*above, (node, field, i, child)))


def mutants(root: Path, file: str) -> Iterator[dict]:
    """Yield the mutants of a file, of which no two are the same program: where, what, and the whole file."""
    text = (root / file).read_text()
    tree = ast.parse(text)
    seen = {ast.unparse(tree)}
    for way in places(tree):
        parent, field, i, node = way[-1]
        siblings, at = (vars(parent), field) if i is None else (getattr(parent, field), i)
        shown = next((n for *_, n in reversed(way) if isinstance(n, ast.stmt) and not hasattr(n, "body")), node)
        for other in replacements(node):
            before, siblings[at] = ast.unparse(shown), other
            after, source = ast.unparse(other if shown is node else shown), ast.unparse(ast.fix_missing_locations(tree))
            siblings[at] = node
            if source not in seen:
                seen.add(source)
                key = f"{file}:{node.lineno} {zlib.crc32(text.encode()):08x} {zlib.crc32(source.encode()):08x}"
                yield dict(key=key, file=file, line=node.lineno, before=before, after=after, source=source)


def run(command: list[str], root: Path, seconds: float) -> str:
    """Return who complains in this copy, or nothing."""
    environment = {**os.environ, "PYTHONPATH": str(root), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "error::RuntimeWarning", *command]
    try:
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return "time limit"
    lines = ["no output", *(done.stdout + done.stderr).strip().splitlines()]
    found = [line for line in lines if line.startswith(("FAILED", "ERROR"))] or lines[-1:]
    return found[0][:160] if done.returncode else ""


def stages(file: str) -> Iterator[list[str]]:
    """Yield the commands that judge a mutant of this file, the fastest first."""
    fits = [names for rooms, names in TESTS.items() if file.removeprefix("minis2s/").startswith(rooms)]
    if fits[0] is LAYERS:
        yield ["-m", "tests.benchmarks.mutation", "--quick"]
    yield ["-m", "pytest", *PYTEST, *(f"tests/{name}" for name in fits[0].split())]


def judge(mutant: dict, roots: Queue) -> dict:
    """Put a mutant into a free copy, run the stages until one kills it, and put the file back."""
    path = (root := roots.get()) / mutant["file"]
    original = path.read_text()
    path.write_text(mutant["source"])
    killer = next(filter(None, (run(command, root, SLOWEST) for command in stages(mutant["file"]))), "")
    path.write_text(original)
    roots.put(root)
    return {**mutant, "source": None, "killer": killer}


def quick() -> None:
    """Run what kills most mutants within seconds, the fastest checks first; raise where something is wrong."""
    sys.modules["torch"] = None  # more than a second to import, and not needed here
    from minis2s import checks, layers
    from tests import conftest
    from tests.checks import test_gradcheck
    from tests.layers import test_golden, test_layers
    from tests.models import test_family

    assert Path(layers.__file__).is_relative_to(Path.cwd()), f"another library is checked: {layers.__file__}"
    new, batch = conftest.np.random.default_rng, conftest.make_batch(conftest.SOURCES, conftest.TARGETS)
    for kind in test_golden.KINDS:
        test_golden.test_model_is_golden(kind, new(0))
    for check in conftest.CONTRACT:
        for build in test_layers.LAYERS:
            check(*build(new(0)), new(0))
    for config in test_family.CONFIGS:
        test_family.test_the_loss_is_the_papers(config, batch)
    for name in checks.CASES:
        test_gradcheck.test_every_gradient_is_right(name, "complex")
    for config in test_family.CONFIGS[::3]:
        test_family.test_search_reports_what_the_papers_say(config)
        test_family.test_what_must_not_change_does_not(config, batch, new(0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", nargs="+", default=EVERYWHERE, help="below minis2s: layers/gru.py, or decoding")
    parser.add_argument("--sample", type=int, help="judge so many, drawn at random")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--out", type=Path, default=os.devnull, help="JSON lines: verdicts, kept from run to run")
    parser.add_argument("--jobs", type=int, default=1, help="mutants at a time, each in a copy of its own")
    parser.add_argument("--quick", action="store_true", help="only run the first stage, on the library as it is here")
    asked = parser.parse_args()
    if asked.quick:
        return quick()
    files = [str(path) for name in asked.files for path in [Path("minis2s", name)] if path.suffix]
    files += [str(path) for name in asked.files for path in sorted(Path("minis2s", name).glob("*.py"))]
    roots: Queue[Path] = Queue()
    with tempfile.TemporaryDirectory() as folder:
        for root in [Path(folder, str(i)) for i in range(asked.jobs)]:
            shutil.copytree(".", root, ignore=shutil.ignore_patterns(".*", "__pycache__", "*.egg-info"))
            chosen = [mutant for file in files for mutant in mutants(root, file)]
            for file in files:  # as the mutants are written, without comments
                (root / file).write_text(ast.unparse(ast.parse((root / file).read_text())))
            compiling = "-m compileall -q --invalidation-mode checked-hash minis2s"  # time and size may miss a change
            subprocess.run([sys.executable, *compiling.split()], cwd=root, check=True)
            roots.put(root)
        chosen = random.Random(asked.seed).sample(chosen, min(asked.sample or len(chosen), len(chosen)))
        known = asked.out.read_text() if asked.out.exists() else ""
        verdicts = {verdict["key"]: verdict for verdict in map(json.loads, known.splitlines())}
        waiting = [mutant for mutant in chosen if mutant["key"] not in verdicts]
        for file in {tuple(map(tuple, stages(m["file"]))): m["file"] for m in waiting}.values():  # of each set of tests
            if killer := judge({"file": file, "source": Path(file).read_text()}, roots)["killer"]:
                sys.exit(f"the library as it is does not pass: {killer}")
        with ThreadPoolExecutor(asked.jobs) as pool, asked.out.open("a") as out:
            for verdict in pool.map(judge, waiting, [roots] * len(waiting)):
                verdicts[verdict["key"]] = verdict
                print(json.dumps(verdict), file=out, flush=True)
                print(f"{verdict['file']}:{verdict['line']}  {verdict['killer'] or 'SURVIVED'}", flush=True)
    judged = [verdicts[mutant["key"]] for mutant in chosen]
    for v in (v for v in judged if not v["killer"]):
        print(f"\nsurvived: {v['file']}:{v['line']}\n    {v['before']}\n -> {v['after']}")
    for file in [*sorted({v["file"] for v in judged}), ""]:
        killed = [bool(v["killer"]) for v in judged if v["file"].startswith(file)]
        print(f"{file or 'all':32}{sum(killed):5} of{len(killed):5} killed {sum(killed) / max(len(killed), 1):8.1%}")


if __name__ == "__main__":
    main()
