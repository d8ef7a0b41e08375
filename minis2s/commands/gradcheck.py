"""``python -m minis2s gradcheck``: gradients against numerical ones, and what must not change."""

import argparse
import traceback
from collections.abc import Sequence
from pathlib import Path

from minis2s import checks, plots
from minis2s.checks.user_layers import check, subprocess
from minis2s.commands.options import path_name, whole
from minis2s.commands.shared import check_outputs, to_json
from minis2s.errors import InputError

OWN = f"""
FILE.py runs in a process of its own, for --seconds and, on Linux, with {subprocess.MEMORY} GB of memory at most. That
keeps slips from doing harm; it is no wall. The file can read and write what you can, and code that sets out to deceive
the check can: run files of people you do not trust in a container, and read what you grade.
"""


def add_options(made: argparse.ArgumentParser) -> None:
    """Add the options of ``gradcheck``."""
    add = made.add_argument
    add("layer", nargs="?", metavar="LAYER", help=f"{', '.join(checks.CASES)}, or FILE.py:CLASS (default: all)")
    add("--method", choices=list(checks.METHODS), default="complex", help="default: %(default)s")
    help = "draw the error of LAYER's numerical derivatives against their step"
    add("--v-curve", type=path_name, metavar="FILE.png", help=help)
    add("--json", action="store_true", help="print one JSON object")
    add = made.add_argument_group("a layer of your own", OWN).add_argument
    add("--like", metavar="LAYER", help="compare FILE.py:CLASS with this layer of ours, on its weights and inputs")
    seconds = "time for FILE.py:CLASS (default: %(default)s)"
    add("--seconds", type=whole(1, 86_400), metavar="N", default=60, help=seconds)
    add("--template", choices=check.TEMPLATES, help="print a file to start from")


def gradcheck(args: argparse.Namespace) -> int:
    """Check gradients; status 1 if one is wrong."""
    if args.template:
        print(check.template(args.template), end="")
        return 0
    if args.v_curve:
        return draw_v_curve(args)
    properties = {}
    if args.layer and ":" in args.layer:
        report, results = check.examine_apart(args.layer, args.like, args.seconds, args.method)
        properties = {args.layer: results} if results else {}
    elif args.like:
        raise InputError("--like compares a layer of your own with ours; give FILE.py:CLASS before it")
    else:
        refuse_unknown(args.layer)
        report, properties = check_cases([args.layer] if args.layer else list(checks.CASES), args.method)
    if args.json:
        kept = {name: {r.name: r.ok for r in results} for name, results in properties.items()}
        wrong = {name: {r.name: r.where for r in results if r.ok is False} for name, results in properties.items()}
        places = {name: said for name, said in wrong.items() if said}
        more = ({"invariances": kept} if kept else {}) | ({"where": places} if places else {})
        print(to_json(report.to_dict() | more))
    else:
        print(report)
        for name, results in properties.items():
            print(f"\n{name}: what must not change")
            for result in results:
                print(f"  {result}")
    held = all(result.ok is not False for results in properties.values() for result in results)  # None: not applicable
    if report.ok is None:
        raise InputError(
            f"{args.layer}: every gradient is 0 at these inputs, so nothing was checked; take other inputs"
        )
    return 0 if report.ok and held else 1


def refuse_unknown(layer: str | None) -> None:
    """Raise InputError if a layer is not in the table."""
    if layer and layer not in checks.CASES:
        raise InputError(f"there is no layer {layer!r}; choose one of {', '.join(checks.CASES)}, or give FILE.py:CLASS")


def draw_v_curve(args: argparse.Namespace) -> int:
    """Print and draw how good numerical derivatives of a layer of the table are, step by step."""
    if not args.layer or ":" in args.layer or args.json or args.like:
        raise InputError("--v-curve draws one layer of ours, and nothing else; give its name, such as gru")
    refuse_unknown(args.layer)
    check_outputs([args.v_curve])
    layer, inputs = checks.make_case(args.layer)
    curve = checks.v_curve(layer, *inputs)
    try:
        plots.write_png(args.v_curve, plots.v_curve, curve, args.layer)
    finally:
        print(curve)
    return 0


def check_cases(names: Sequence[str], method: str) -> tuple[checks.GradientReport, dict[str, list[checks.Invariance]]]:
    """Return the report on layers of the table and, for the models among them, what must not change."""
    cases, reports = {name: checks.make_case(name) for name in names}, []
    for name, (layer, inputs) in cases.items():
        try:
            reports.append(checks.gradcheck(layer, *inputs, method=method, name=name))
        except ValueError as error:  # somebody is trying what happens
            raise InputError(f"{where(name, error)}{error}") from None
    report = checks.merge(reports)
    models = {name: case for name, case in cases.items() if hasattr(case[0], "loss")}
    return report, {name: checks.invariances(layer, inputs[0]) for name, (layer, inputs) in models.items()}


def where(name: str, error: BaseException) -> str:
    """Return the file and line of an error in a layer or a model; nothing of one that a check raised."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    path = Path(last.filename)
    ours = path.parent.name in ("layers", "models")
    return f"{name}: {path.parent.name}/{path.name}, line {last.lineno}: " if ours else ""
