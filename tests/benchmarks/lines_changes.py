"""The changes of a syntax tree that ``lines_mutants`` makes: what a student may write in place of what is right.

A change is its kind and the new node. ``changes`` gives all of a statement, or of the head of a loop or condition.
"""

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from typing import Any

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
            yield "letters", but(node, args=[ast.Constant(spec), *args[1:]])
        if len(args) > 2:
            yield "letters", but(node, args=[args[0], *swapped(args[1:], 0, 1)])


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
