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


# ------------------------------------------------------------------------------------------------- changes of one node

OPERATORS = {
    ast.Add: [ast.Sub, ast.Mult],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Div, ast.Add],
    ast.Div: [ast.Mult],
    ast.MatMult: [ast.Mult],
    ast.Pow: [ast.Mult],
}
COMPARISONS = {
    ast.Lt: [ast.GtE, ast.LtE],
    ast.LtE: [ast.Gt, ast.Lt],
    ast.Gt: [ast.LtE, ast.GtE],
    ast.GtE: [ast.Lt, ast.Gt],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
}
NUMBERS = {0: [1], 1: [0, 2], 2: [1, 3], 3: [2], 0.5: [1.0, 2.0]}
OTHER_NAMES = {"sum": "mean", "mean": "sum", "zeros": "ones", "zeros_like": "ones_like", "ones": "zeros"}
OTHER_NAMES |= {"append": "extend", "ones_like": "zeros_like", "hstack": "vstack", "vstack": "hstack"}
REDUCTIONS = ("sum", "mean")
PRODUCTS = ("dot", "matmul", "outer")
JOINS = ("concatenate", "stack", "hstack", "vstack")
Change = tuple[str, ast.AST]


def but(node: ast.AST, **fields: Any) -> Any:
    """Return the node with other fields."""
    return type(node)(**{**{name: getattr(node, name, None) for name in node._fields}, **fields})


def same(a: ast.AST, b: ast.AST) -> bool:
    return ast.dump(a) == ast.dump(b)


def is_one(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value == 1 and not isinstance(node.value, bool)


def is_int(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int


def plus(node: ast.expr, number: int) -> ast.expr:
    """Return node + number, as one would write it."""
    if is_int(node):
        value = node.value + number
        return ast.UnaryOp(ast.USub(), ast.Constant(-value)) if value < 0 else ast.Constant(value)
    if isinstance(node, ast.BinOp) and is_int(node.right) and isinstance(node.op, (ast.Add, ast.Sub)):
        total = number + (node.right.value if isinstance(node.op, ast.Add) else -node.right.value)
        return plus(node.left, total)
    if number == 0:
        return node
    return ast.BinOp(node, ast.Add() if number > 0 else ast.Sub(), ast.Constant(abs(number)))


def swapped(items: list, i: int, j: int) -> list:
    items = list(items)
    items[i], items[j] = items[j], items[i]
    return items


def pairs(items: list) -> Iterator[list]:
    """Yield the list with each two unequal neighbours exchanged, and the first and last."""
    places = [(i, i + 1) for i in range(len(items) - 1)] + ([(0, len(items) - 1)] if len(items) > 2 else [])
    yield from (swapped(items, i, j) for i, j in places if not same(items[i], items[j]))


def of_sum(node: ast.BinOp) -> Iterator[Change]:
    minus = isinstance(node.op, ast.Sub)
    yield "term", node.left
    yield "term", ast.UnaryOp(ast.USub(), node.right) if minus else node.right
    if minus:
        yield "sign", but(node, left=node.right, right=node.left)
        if is_one(node.left) and isinstance(node.right, ast.BinOp):
            square, op = node.right, node.right.op
            if isinstance(op, ast.Pow) or (isinstance(op, ast.Mult) and same(square.left, square.right)):
                yield "slope", but(node, right=square.left)
                yield "slope", ast.BinOp(square.left, ast.Mult(), but(node, right=square.left))


def of_product(node: ast.BinOp) -> Iterator[Change]:
    yield "factor", node.left
    yield "factor", node.right
    one_minus, left = node.right, node.left
    if isinstance(one_minus, ast.BinOp) and isinstance(one_minus.op, ast.Sub) and is_one(one_minus.left):
        y, last = one_minus.right, left.right if isinstance(left, ast.BinOp) else left
        if same(y, last):  # ... * y * (1 - y)
            slope = but(one_minus, right=ast.BinOp(y, ast.Pow(), ast.Constant(2)))
            yield "slope", slope if last is left else but(node, left=left.left, right=slope)
            yield "slope", but(node, right=ast.BinOp(ast.Constant(1), ast.Add(), y))


def of_binary(node: ast.BinOp) -> Iterator[Change]:
    for op in OPERATORS.get(type(node.op), ()):
        yield "operator", but(node, op=op())
    match node.op:
        case ast.Add() | ast.Sub():
            yield from of_sum(node)
        case ast.Mult():
            yield from of_product(node)
        case ast.Div():
            yield "factor", node.left
            yield "order", but(node, left=node.right, right=node.left)
        case ast.Pow():
            yield "factor", node.left
        case ast.MatMult():
            yield "order", but(node, left=node.right, right=node.left)
            for side in ("left", "right"):
                part = getattr(node, side)
                if isinstance(part, (ast.Name, ast.Subscript)):
                    yield "transpose", but(node, **{side: ast.Attribute(part, "T", ast.Load())})


def of_call(node: ast.Call) -> Iterator[Change]:
    function, args = node.func, node.args
    name = getattr(function, "attr", getattr(function, "id", ""))
    of_numpy = isinstance(function, ast.Attribute) and getattr(function.value, "id", "") == "np"
    receiver = None if of_numpy or not isinstance(function, ast.Attribute) else function.value
    whole = receiver if receiver is not None else args[0] if args else None
    for keyword in node.keywords:
        others = [one for one in node.keywords if one is not keyword]
        if keyword.arg == "keepdims":
            yield "keepdims", but(node, keywords=others)
        elif keyword.arg == "axis":
            for value in other_axes(keyword.value):
                new = [ast.keyword("axis", value) if one is keyword else one for one in node.keywords]
                yield "axis", but(node, keywords=new)
    place = 0 if receiver is not None else 1  # of an axis without its name
    if name in (*REDUCTIONS, "concatenate", "stack") and len(args) > place:
        for value in other_axes(args[place]):
            yield "axis", but(node, args=[*args[:place], value, *args[place + 1 :]])
    if name in OTHER_NAMES and isinstance(function, ast.Attribute):
        yield "reduction" if name in REDUCTIONS else "start", but(node, func=but(function, attr=OTHER_NAMES[name]))
    if name in REDUCTIONS and whole is not None:
        yield "reduction", whole
    if name in ("copy", "array", "list", "reversed") and whole is not None:
        yield "copy" if name in ("copy", "array") else "loop", whole
    if name in ("swapaxes", "transpose", "reshape", "ravel", "moveaxis") and whole is not None:
        yield "transpose", whole
    if name == "range":
        yield from (("range", but(node, args=new)) for new in other_ranges(args))
    if name == "where" and len(args) == 3:
        yield "order", but(node, args=[args[0], args[2], args[1]])
    if name in PRODUCTS and of_numpy:
        yield "order", but(node, args=[args[1], args[0]])
    if name == "dot" and receiver is not None:
        yield "order", but(node, func=but(function, value=args[0]), args=[receiver])
    if name in JOINS and args and isinstance(args[0], (ast.List, ast.Tuple)):
        yield from (("order", but(node, args=[but(args[0], elts=new), *args[1:]])) for new in pairs(args[0].elts))
    if name == "insert" and len(args) == 2:
        yield "order", but(node, func=but(function, attr="append"), args=args[1:])
    if name == "einsum" and isinstance(args[0], ast.Constant):
        for spec in other_specifications(args[0].value):
            yield "einsum", but(node, args=[ast.Constant(spec), *args[1:]])
        if len(args) > 2:
            yield "einsum", but(node, args=[args[0], *swapped(args[1:], 0, 1)])


def other_axes(axis: ast.expr) -> Iterator[ast.expr]:
    if isinstance(axis, ast.Tuple):
        yield from (but(axis, elts=[one for one in axis.elts if one is not out]) for out in axis.elts)
    else:
        try:
            value = ast.literal_eval(axis)
        except ValueError:
            return
        yield from (plus(ast.Constant(0), other) for other in {0: [1, -1], 1: [0, 2], 2: [1, 0], -1: [0, 1]}[value])


def other_ranges(args: list[ast.expr]) -> Iterator[list[ast.expr]]:
    match args:
        case [stop]:
            yield [plus(stop, -1)]
            yield [ast.Constant(1), stop]
            yield [plus(stop, 1)]
        case [start, stop, *step]:
            yield [plus(start, 1), stop, *step]
            yield [plus(start, -1), stop, *step]
            up = isinstance(stop, ast.UnaryOp)  # range(T - 1, -1, -1)
            yield [start, ast.Constant(0) if up else plus(stop, -1), *step]
            if up:
                yield [plus(start, 1)]


def other_specifications(spec: str) -> Iterator[str]:
    """Yield einsum's letters with two neighbours of one operand, or of the output, exchanged."""
    inputs, arrow, output = spec.partition("->")
    parts = [*inputs.split(","), output]
    for k, part in enumerate(parts):
        for i in range(len(part) - 1):
            new = [*parts[:k], part[:i] + part[i + 1] + part[i] + part[i + 2 :], *parts[k + 1 :]]
            yield ",".join(new[:-1]) + arrow + new[-1]


def of_subscript(node: ast.Subscript) -> Iterator[Change]:
    index = node.slice
    parts = index.elts if isinstance(index, ast.Tuple) else [index]
    for k, part in enumerate(parts):

        def put(new: ast.expr, k: int = k) -> ast.Subscript:
            elements = [*parts[:k], new, *parts[k + 1 :]]
            return but(node, slice=but(index, elts=elements) if isinstance(index, ast.Tuple) else new)

        match part:
            case ast.Slice(lower=lower, upper=upper, step=step):
                if step is not None:
                    yield "slice", put(but(part, step=None))
                for bound, value in (("lower", lower), ("upper", upper)):
                    if value is not None:
                        yield "slice", put(but(part, **{bound: None}))
                        yield "slice", put(but(part, **{bound: plus(value, 1)}))
                        yield "slice", put(but(part, **{bound: plus(value, -1)}))
                if lower is upper is step is None and len(parts) > 1:
                    yield "slice", put(ast.Constant(0))
            case ast.Name() | ast.BinOp() if not isinstance(node.value, ast.Attribute) or node.value.attr != "shape":
                yield "index", put(plus(part, 1))
                yield "index", put(plus(part, -1))
            case ast.Constant(value=int()):
                yield "index", put(plus(part, 1))


def of_node(node: ast.AST, names: dict[str, list[str]], keys: list[str], attributes: list[str]) -> Iterator[Change]:
    """Yield each change of this one node.

    names : for every local of the function, the others of its kind
    keys, attributes : strings in brackets, and attributes of self, that the function uses
    """
    match node:
        case ast.BinOp():
            yield from of_binary(node)
        case ast.UnaryOp(op=ast.USub(), operand=operand) if not isinstance(operand, ast.Constant):
            yield "sign", operand
        case ast.UnaryOp(op=ast.Not() | ast.Invert(), operand=operand):
            yield "comparison", operand
        case ast.Compare(ops=[op]):
            yield from (("comparison", but(node, ops=[other()])) for other in COMPARISONS.get(type(op), ()))
        case ast.IfExp(body=body, orelse=orelse):
            yield "comparison", but(node, body=orelse, orelse=body)
            yield "comparison", body
        case ast.Attribute(attr="T", value=value):
            yield "transpose", value
        case ast.Attribute(value=ast.Name(id="self"), attr=attr) if attr in attributes:
            yield from (("name", but(node, attr=other)) for other in attributes if other != attr)
        case ast.Call():
            yield from of_call(node)
        case ast.Subscript(slice=ast.Constant(value=str(key))):
            yield from (("key", but(node, slice=ast.Constant(other))) for other in keys if other != key)
        case ast.Subscript():
            yield from of_subscript(node)
        case ast.Name(id=name) if name in names:
            yield from (("name", but(node, id=other)) for other in names[name])
        case ast.Constant(value=value) if type(value) in (int, float):
            for other in NUMBERS.get(value, [2 * value]):
                yield "constant", ast.Constant(float(other) if isinstance(value, float) else other)
        case ast.Dict(values=values):
            yield from (("key", but(node, values=new)) for new in pairs(values))


def of_statement(node: ast.AST, written: Counter) -> Iterator[Change]:
    """Yield changes of a statement, or of the head of a loop, as a whole.

    written : how often the function writes to a name
    """
    match node:
        case ast.AugAssign(target=target, op=op, value=value):
            yield "accumulate", ast.Assign([target], value, lineno=node.lineno)
            yield from (("operator", but(node, op=other())) for other in OPERATORS.get(type(op), ()))
        case ast.Assign(targets=[ast.Tuple(elts=elements) as target]):
            yield from (("unpacked", but(node, targets=[but(target, elts=new)])) for new in pairs(elements))
        case ast.Assign(targets=[target], value=value):
            if isinstance(target, ast.Subscript) or written[base(target)] > 1:
                yield "accumulate", ast.AugAssign(target, ast.Add(), value)
            if not isinstance(value, (ast.Constant, ast.List, ast.Dict, ast.Lambda, ast.Tuple, ast.UnaryOp)):
                yield "sign", but(node, value=ast.UnaryOp(ast.USub(), value))
        case ast.Return(value=ast.Tuple(elts=elements) as value):
            yield from (("returned", but(node, value=but(value, elts=new))) for new in pairs(elements))
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr="at", value=ufunc), args=[array, index, value])):
            op = {"add": ast.Add, "subtract": ast.Sub}[ufunc.attr]()
            yield "accumulate", ast.AugAssign(ast.Subscript(array, index, ast.Store()), op, value)
        case ast.Continue():
            yield "loop", ast.Break()
        case ast.Tuple(elts=elements, ctx=ast.Store()):  # for a, b in ...
            yield from (("unpacked", but(node, elts=new)) for new in pairs(elements))


def base(target: ast.AST) -> str:
    """Return what an assignment writes to: a name, or an attribute or key of one."""
    match target:
        case ast.Subscript(value=value, slice=ast.Constant(value=str(key))):
            return f"{base(value)}[{key}]"
        case ast.Subscript(value=value):
            return base(value)
    return ast.unparse(target)


# --------------------------------------------------------------------------------------------------- changes of a text


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


def targets(node: ast.AST) -> list[ast.AST]:
    """Return what a statement writes to."""
    match node:
        case ast.Assign(targets=[ast.Tuple(elts=elements)]):
            return elements
        case ast.Assign(targets=found):
            return found
        case ast.AugAssign(target=target):
            return [target]
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr="at"), args=[array, *_])):
            return [array]
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=value, attr="append" | "insert" | "reverse"))):
            return [value]
    return []


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


def changes(node: ast.AST, names: dict, keys: list, attributes: list, written: Counter) -> Iterator[Change]:
    """Yield each change of a unit: its kind and the unit changed."""
    yield from of_statement(node, written)
    for i, part in enumerate(ast.walk(node)):
        if isinstance(getattr(part, "ctx", None), ast.Store) and not isinstance(part, ast.Subscript):
            continue  # what a plain assignment writes to
        for kind, new in of_node(part, names, keys, attributes):
            yield kind, put(node, i, new)


def put(tree: ast.AST, place: int, new: ast.AST) -> ast.AST:
    """Return a copy of the tree with another node at this place of ``ast.walk``."""
    tree = copy.deepcopy(tree)
    old = list(ast.walk(tree))[place]
    if old is tree:
        return new
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, new)
            elif isinstance(value, list) and any(one is old for one in value):
                setattr(parent, name, [new if one is old else one for one in value])
    return tree


def unparsed(node: ast.AST) -> str:
    """Return it as text; a tuple after return, and that of a loop, without brackets."""
    match ast.fix_missing_locations(copy.deepcopy(node)):
        case ast.Return(value=ast.Tuple(elts=[_, _, *_] as elements)):
            return f"return {', '.join(map(ast.unparse, elements))}"
        case ast.Tuple(elts=elements):
            return ", ".join(map(ast.unparse, elements))
        case other:
            return ast.unparse(other)


# ------------------------------------------------------------------------------------------------------ what they give


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
