"""Mistakes in the right versions of ``lines_zoo``: one place of a backward is changed at a time.

    python -m tests.benchmarks.lines_mutants --seed 2025 --number 480

Only what forward does not use is changed: backward, and the helpers that it alone calls. ``mutants(seed, number)``
gives mistakes that run and make a gradient wrong, the same ones for the same seed, spread evenly over the versions and,
as far as a version has them, over the kinds of mistakes. On the way to them there are others: some stop with an
exception, some never end, some change no gradient of the case. ``survey(seed, number)`` gives those as well.

The line of a mistake is that of the changed statement, or of the changed head of a loop or condition. A statement that
is missing has no line: there any line counts that stands next to the gap, or that writes to the same name. Such
mistakes are a kind of their own, "deleted", so that they can be counted apart.
"""

import argparse
import ast
import copy
import random
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tests.benchmarks.lines_changes import base, changes, targets
from tests.benchmarks.lines_zoo import VERSIONS, Student, Version, relative_error

WRONG = 1e-6  # relative error of a gradient
SECONDS = 5.0  # of process time; none that ends needs a hundredth of it
TURN = 4
NUMBER = 480
SEED = 2025


class Mutant(NamedTuple):
    """A version with one mistake, and what comes of it."""

    layer: str
    style: str
    kind: str
    where: str  # backward, or the helper
    lines: tuple[int, ...]  # the first is its own; each of them is right, see above
    description: str
    text: str
    outcome: str  # wrong, raises, endless or equivalent
    error: str = ""

    @property
    def line(self) -> int:
        return self.lines[0]


class Unit(NamedTuple):
    """What is changed at a time: a statement without a body, or the head of one that has one."""

    node: ast.AST
    function: str
    block: list[ast.stmt] | None  # where a statement stands


def units(function: ast.FunctionDef) -> Iterator[Unit]:
    def walk(block: list[ast.stmt]) -> Iterator[Unit]:
        for statement in block:
            match statement:
                case ast.For(target=target, iter=head, body=body):
                    yield Unit(head, function.name, None)
                    if isinstance(target, ast.Tuple):
                        yield Unit(target, function.name, None)
                    yield from walk(body)
                case ast.While(test=head, body=body):
                    yield Unit(head, function.name, None)
                    yield from walk(body)
                case ast.If(test=head, body=body, orelse=orelse):
                    yield Unit(head, function.name, None)
                    yield from walk(body)
                    yield from walk(orelse)
                case ast.FunctionDef(body=body):
                    yield from walk(body)
                case _:
                    yield Unit(statement, function.name, block)

    yield from walk(function.body)


def own_functions(tree: ast.Module) -> list[ast.FunctionDef]:
    """Return backward, and what it calls and forward does not."""
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}

    def reached(name: str, seen: dict[str, None]) -> dict[str, None]:
        if name in functions and name not in seen:
            seen[name] = None
            for node in ast.walk(functions[name]):
                called = getattr(node, "id", None)
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
                    called = node.attr
                reached(called, seen)
        return seen

    before = reached("forward", {})
    return [functions[name] for name in reached("backward", {}) if name not in before]


def kinds_of_locals(student: Student) -> dict[str, dict[str, tuple]]:
    """Run backward and return for each function what kind of thing its locals are at its end."""
    found: dict[str, dict[str, tuple]] = {}

    def watch(frame: Any, event: str, _: Any) -> None:
        if event == "return" and frame.f_code.co_filename == student.name:
            kinds = found.setdefault(frame.f_code.co_name, {})
            for name, value in frame.f_locals.items():
                kinds[name] = type(value).__name__, getattr(value, "ndim", None)

    sys.setprofile(watch)
    try:
        student.gradients()
    finally:
        sys.setprofile(None)
    return found


class Source:
    """A text of which pieces can be replaced. Columns of the syntax tree count bytes."""

    def __init__(self, text: str):
        self.lines = text.encode().splitlines(keepends=True)

    def replaced(self, node: Any, new: str) -> str:
        first, last = node.lineno - 1, node.end_lineno - 1
        piece = self.lines[first][: node.col_offset] + new.encode() + self.lines[last][node.end_col_offset :]
        return b"".join([*self.lines[:first], piece, *self.lines[last + 1 :]]).decode()

    def without(self, node: Any) -> str:
        return b"".join([*self.lines[: node.lineno - 1], *self.lines[node.end_lineno :]]).decode()

    def piece(self, node: Any) -> str:
        whole = b"".join(self.lines[node.lineno - 1 : node.end_lineno])
        end = len(whole) - len(self.lines[node.end_lineno - 1]) + node.end_col_offset
        return " ".join(whole[node.col_offset : end].decode().split())


def candidates(version: Version) -> list[tuple[str, str, tuple[int, ...], str, str]]:
    """Return every change of a version: its kind, function, lines, description and text, each text once."""
    tree, source = ast.parse(version.text), Source(version.text)
    locals_of = kinds_of_locals(Student(version.text, f"<{version.name}>"))
    found, texts = [], {version.text}

    def add(kind: str, unit: Unit, lines: tuple[int, ...], description: str, text: str) -> None:
        if text not in texts:
            texts.add(text)
            found.append((kind, unit.function, lines, description, text))

    for function in own_functions(tree):
        kinds = locals_of.get(function.name, {})
        names = {a: [b for b in kinds if b != a and kinds[b] == kinds[a]] for a in kinds if a not in ("self", "cache")}
        nodes = list(ast.walk(function))
        keys = [n.slice.value for n in nodes if isinstance(n, ast.Subscript) and isinstance(n.slice, ast.Constant)]
        keys = list(dict.fromkeys(key for key in keys if isinstance(key, str)))
        attributes = [n.attr for n in nodes if isinstance(n, ast.Attribute) and getattr(n.value, "id", "") == "self"]
        methods = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)} | {"grads", "params"}
        attributes = [name for name in dict.fromkeys(attributes) if name not in methods]
        writes = [(base(target), node.lineno) for node in nodes for target in targets(node)]
        written = Counter(name for name, _ in writes)
        for unit in units(function):
            node, before = unit.node, source.piece(unit.node)
            for kind, new in changes(node, names, keys, attributes, written):
                after = unparsed(new)
                if after != unparsed(node):
                    text = source.replaced(node, after)
                    add(kind, unit, (node.lineno,), f"{before}  ->  {after}", text)
            if unit.block is not None and not isinstance(node, ast.Return):
                add("deleted", unit, *deletion(source, unit, writes))
    return found


def deletion(source: Source, unit: Unit, writes: list[tuple[str, int]]) -> tuple[tuple[int, ...], str, str]:
    """Return the lines, the description and the text of a statement that is missing."""
    node = unit.node
    own = {base(target) for target in targets(node)}
    gone = node.end_lineno - node.lineno + 1
    if len(unit.block) == 1:
        gone, text = gone - 1, source.replaced(node, "pass")
        beside = [node.lineno]
    else:
        text = source.without(node)
        beside = [node.lineno, node.lineno - 1]
    others = [line - gone * (line > node.lineno) for name, line in writes if name in own and line != node.lineno]
    return tuple(dict.fromkeys([*beside, *others])), f"{source.piece(node)}  ->  (deleted)", text


def unparsed(node: ast.AST) -> str:
    """Return it as text; a tuple after return, and that of a loop, without brackets."""
    match ast.fix_missing_locations(copy.deepcopy(node)):
        case ast.Return(value=ast.Tuple(elts=[_, _, *_] as elements)):
            return f"return {', '.join(map(ast.unparse, elements))}"
        case ast.Tuple(elts=elements):
            return ", ".join(map(ast.unparse, elements))
        case other:
            return ast.unparse(other)


class EndlessError(Exception):
    pass


def within_seconds(do: Callable[[], Any]) -> Any:
    """Call it; after so many seconds of this process, raise EndlessError."""

    def stop(*_: Any) -> None:
        raise EndlessError

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        return do()
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def outcome(text: str, right: dict[str, Any]) -> tuple[str, str]:
    """Run a changed text; return what comes of it, and the exception."""
    try:
        found = within_seconds(Student(text, "<mutant>").gradients)
    except EndlessError:
        return "endless", ""
    except Exception as error:
        return "raises", f"{type(error).__name__}: {error}"
    return ("wrong" if any(relative_error(found[name], right[name]) > WRONG for name in right) else "equivalent"), ""


def mutants_of(version: Version, seed: int) -> Iterator[Mutant]:
    """Yield the mutants of a version in random order, with what comes of them.

    The kinds take turns. A turn ends with one that is wrong, and after TURN in any case.
    """
    rng = random.Random(f"{seed}, {version.name}")
    right = Student(version.text, f"<{version.name}>").gradients()
    groups: dict[str, list] = {}
    for candidate in candidates(version):
        groups.setdefault(candidate[0], []).append(candidate)
    for group in groups.values():
        rng.shuffle(group)
    order = list(groups)
    rng.shuffle(order)
    while any(groups.values()):
        for name in order:
            for _ in range(min(TURN, len(groups[name]))):
                kind, where, lines, description, text = groups[name].pop()
                comes = outcome(text, right)
                yield Mutant(version.layer, version.style, kind, where, lines, description, text, *comes)
                if comes[0] == "wrong":
                    break


def survey(seed: int = SEED, number: int = NUMBER, versions: list[Version] | None = None) -> list[Mutant]:
    """Return mutants of every outcome, until there are ``number`` that are wrong: one of each version in turn."""
    streams = [mutants_of(version, seed) for version in (VERSIONS if versions is None else versions)]
    found: list[Mutant] = []
    wrong = 0
    while streams and wrong < number:
        for stream in list(streams):
            for mutant in stream:
                found.append(mutant)
                if mutant.outcome == "wrong":
                    wrong += 1
                    break
            else:
                streams.remove(stream)
            if wrong == number:
                break
    return found


def mutants(seed: int = SEED, number: int = NUMBER, versions: list[Version] | None = None) -> list[Mutant]:
    """Return mistakes that run and give at least one wrong gradient."""
    return [mutant for mutant in survey(seed, number, versions) if mutant.outcome == "wrong"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--number", type=int, default=NUMBER, help="how many wrong ones")
    parser.add_argument("--show", action="store_true", help="print each of them")
    options = parser.parse_args()
    found = survey(options.seed, options.number)
    for mutant in found if options.show else ():
        place = f"{mutant.layer}, {mutant.style}, line {mutant.line}"
        print(f"{mutant.outcome:10} {mutant.kind:10} {place}: {mutant.description} {mutant.error}")
    for what in ("layer", "style", "kind", "where"):
        table = Counter((getattr(mutant, what), mutant.outcome) for mutant in found)
        print(f"\n{what:24}{'wrong':>11}{'raises':>11}{'endless':>11}{'equivalent':>11}")
        for name in sorted({name for name, _ in table}):
            numbers = [table[name, outcome] for outcome in ("wrong", "raises", "endless", "equivalent")]
            print(f"{name:24}" + "".join(f"{n:11}" for n in numbers))
    total = Counter(mutant.outcome for mutant in found)
    counts = ", ".join(f"{n} {name}" for name, n in total.most_common())
    print(f"\n{len(found)} changes of {len(VERSIONS)} versions, seed {options.seed}: {counts}")


if __name__ == "__main__":
    main()
