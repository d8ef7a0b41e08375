"""``python -m minis2s gradcheck``: gradients against numerical ones, and what must not change."""

import argparse
import json
from collections.abc import Sequence

from minis2s import checks
from minis2s.checks import own
from minis2s.errors import InputError
from minis2s.options import positive


def add_options(made: argparse.ArgumentParser) -> None:
    """Say what gradcheck understands."""
    add = made.add_argument
    add("layer", nargs="?", metavar="LAYER", help=f"{', '.join(checks.CASES)}, or FILE.py:CLASS (default: all)")
    add("--method", choices=list(checks.METHODS), default="complex", help="default: %(default)s")
    add("--like", metavar="LAYER", help="compare FILE.py:CLASS with this layer of ours, on its weights and inputs")
    add("--seconds", type=positive, metavar="N", default=60, help="time for FILE.py:CLASS (default: %(default)s)")
    add("--template", choices=own.TEMPLATES, help="print a file to start a layer of your own from")
    add("--json", action="store_true", help="print one JSON object")


def gradcheck(args: argparse.Namespace) -> int:
    """Check gradients; status 1 if one is wrong."""
    if args.template:
        print(own.template(args.template), end="")
        return 0
    properties = {}
    if args.layer and ":" in args.layer:
        report, results = own.examine_apart(args.layer, args.like, args.seconds, args.method)
        properties = {args.layer: results} if results else {}
    elif args.like:
        raise InputError("--like compares a layer of your own with ours; give FILE.py:CLASS before it")
    elif args.layer and args.layer not in checks.CASES:
        raise InputError(
            f"there is no layer {args.layer!r}; choose one of {', '.join(checks.CASES)}, or give FILE.py:CLASS"
        )
    else:
        report, properties = check_cases([args.layer] if args.layer else list(checks.CASES), args.method)
    if args.json:
        kept = {name: {r.name: r.ok for r in results} for name, results in properties.items()}
        wrong = {name: {r.name: r.where for r in results if r.ok is False} for name, results in properties.items()}
        places = {name: said for name, said in wrong.items() if said}
        more = ({"invariances": kept} if kept else {}) | ({"where": places} if places else {})
        print(json.dumps(report.to_dict() | more))
    else:
        print(report)
        for name, results in properties.items():
            print(f"\n{name}: what must not change")
            for result in results:
                print(f"  {result}")
    held = all(result.ok is not False for results in properties.values() for result in results)  # None: not applicable
    return 0 if report.ok and held else 1


def check_cases(names: Sequence[str], method: str) -> tuple[checks.GradientReport, dict[str, list[checks.Invariance]]]:
    """Return the report on layers of the table and, for the models among them, what must not change."""
    cases = {name: checks.make_case(name) for name in names}
    try:
        report = checks.merge(
            [checks.gradcheck(layer, *inputs, method=method, name=name) for name, (layer, inputs) in cases.items()]
        )
    except ValueError as error:  # somebody is trying what happens
        raise InputError(str(error)) from None
    models = {name: case for name, case in cases.items() if hasattr(case[0], "loss")}
    return report, {name: checks.invariances(layer, inputs[0]) for name, (layer, inputs) in models.items()}
