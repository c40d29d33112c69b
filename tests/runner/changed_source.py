"""The mutants of a source: each has one change that a test should notice."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator
    from types import CodeType
    from typing import Any

    Change = tuple[str, ast.AST, str, object, bool]  # a name, the node whose field gets a value, in a function

_PAIRS = ((ast.Lt, ast.LtE), (ast.Gt, ast.GtE), (ast.Eq, ast.NotEq), (ast.In, ast.NotIn), (ast.Is, ast.IsNot))
_SWAPPED: dict[type[ast.AST], type[ast.AST]] = {
    each: other
    for one, two in (*_PAIRS, (ast.And, ast.Or), (ast.BitAnd, ast.BitOr))
    for each, other in ((one, two), (two, one))
}
_NAMES = {"max": "min", "min": "max", "any": "all", "all": "any"}
_TOLD = {"problem", "note", "refuse", "TypeError", "AttributeError", "_unavailable", "about"}
_LEFT = {"TYPE_CHECKING", "FOREIGN", "INSTEAD", "__repr__", "__str__", "__all__", "__slots__"}
"""Functions whose texts are messages, and names of what decides about nothing but these."""


class Mutant(NamedTuple):
    """A module with one change. `in_function` is whether everything but one function is the same."""

    name: str
    code: CodeType
    in_function: bool


def names(source: str) -> list[str]:
    """Return the name of every mutant of a source."""
    return [name for name, _ in _named(ast.parse(source))]


def mutants(source: str, path: str, wanted: Container[str] | None = None) -> Iterator[Mutant]:
    """Yield every mutant of a source, or those that are called like one of the `wanted`."""
    tree = ast.parse(source)
    for name, (_, node, field, value, in_function) in _named(tree):
        if wanted is None or name in wanted:
            before = getattr(node, field)
            setattr(node, field, value)
            code = compile(ast.fix_missing_locations(tree), path, "exec")
            setattr(node, field, before)
            yield Mutant(name, code, in_function)


def _named(tree: ast.AST) -> Iterator[tuple[str, Change]]:
    """Yield every change with a name of its own: the second of a name is numbered."""
    seen: dict[str, int] = {}
    for change in _changes(tree, "", in_function=False):
        name = change[0]
        seen[name] = seen.get(name, 0) + 1
        yield name + f" ({seen[name]})" * (seen[name] > 1), change


def _changes(node: ast.AST, home: str, *, in_function: bool) -> Iterator[Change]:
    """Yield every change of `node` and below it; `home` is the function or the table that it belongs to."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        home = node.name
    elif isinstance(node, (ast.Assign, ast.AnnAssign)) and not home:
        home = ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)
    if home in _LEFT or _is_typing(node):
        return
    for change, field, value in _own(node):
        yield f"{home}: {change}", node, field, value, in_function
    for name, field in ast.iter_fields(node):
        is_unpacked = isinstance(node, (ast.Assign, ast.Return)) and isinstance(field, ast.Tuple)
        children = field.elts if is_unpacked else field if isinstance(field, list) else [field]
        if name in {"annotation", "returns", "decorator_list", "ctx"} or _is_message(node, name):
            continue
        for each in children:
            if isinstance(each, ast.AST) and not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant)):
                inside = in_function or (isinstance(node, ast.FunctionDef) and name == "body")
                yield from _changes(each, home, in_function=inside)


def _is_typing(node: ast.AST) -> bool:
    return isinstance(node, (ast.Raise, ast.JoinedStr)) or (
        isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )


def _is_message(node: ast.AST, field: str) -> bool:
    return isinstance(node, ast.Call) and field == "args" and ast.unparse(node.func).split(".")[-1] in _TOLD


def _own(node: ast.AST) -> Iterator[tuple[str, str, object]]:
    """Yield the changes of the node itself: what is told, the field, and its value."""
    for kinds, found in _KINDS:
        if isinstance(node, kinds):
            yield from found(node)
    yield from _parts(node)


def _compared(node: ast.Compare) -> Iterator[tuple[str, str, object]]:
    yield f"{ast.unparse(node)} the other way", "ops", [_SWAPPED[type(op)]() for op in node.ops]


def _joined(node: ast.BoolOp) -> Iterator[tuple[str, str, object]]:
    text = ast.unparse(node)
    yield f"{text} the other way", "op", _SWAPPED[type(node.op)]()
    neutral = ast.Constant(isinstance(node.op, ast.And))
    for number, each in enumerate(node.values):
        left = [*node.values[:number], neutral, *node.values[number + 1 :]]
        yield f"{text} without {ast.unparse(each)}", "values", left


def _combined(node: ast.BinOp) -> Iterator[tuple[str, str, object]]:
    if type(node.op) in _SWAPPED:
        yield f"{ast.unparse(node)} the other way", "op", _SWAPPED[type(node.op)]()
    elif isinstance(node.op, ast.Sub):
        yield f"{ast.unparse(node)} without the right", "right", ast.Call(ast.Name("set", ast.Load()), [], [])


def _negated(node: ast.UnaryOp) -> Iterator[tuple[str, str, object]]:
    if isinstance(node.op, ast.Not):
        yield f"{ast.unparse(node)} without not", "operand", ast.UnaryOp(ast.Not(), node.operand)


def _decided(node: ast.If | ast.IfExp | ast.While) -> Iterator[tuple[str, str, object]]:
    for value in (True, False):
        yield f"if {ast.unparse(node.test)} is {value}", "test", ast.Constant(value)


def _listed(node: ast.Tuple | ast.List | ast.Set) -> Iterator[tuple[str, str, object]]:
    if not isinstance(getattr(node, "ctx", None), ast.Store):
        text = ast.unparse(node)[:60]
        for each in node.elts:
            yield f"{text} without {ast.unparse(each)}", "elts", [other for other in node.elts if other is not each]


def _constants(node: ast.Constant) -> Iterator[tuple[str, str, object]]:
    value = node.value
    if isinstance(value, bool):
        yield f"{value} => {not value}", "value", not value
    elif isinstance(value, int):
        yield f"{value} => {value + 1}", "value", value + 1
    elif isinstance(value, str) and " " not in value:
        yield f"{value!r} => other", "value", value + "XX"


def _called(node: ast.Call) -> Iterator[tuple[str, str, object]]:
    text = ast.unparse(node)
    if isinstance(node.func, ast.Name) and node.func.id in _NAMES:
        yield f"{text} the other way", "func", ast.Name(_NAMES[node.func.id], ast.Load())
        for argument in node.args if len(node.args) > 1 else ():
            others = ast.Tuple([other for other in node.args if other is not argument], ast.Load())
            yield f"{text} without {ast.unparse(argument)}", "args", [others]
    for each in node.keywords:
        if not (isinstance(each.value, ast.Constant) and " " in str(each.value.value)):
            left = [other for other in node.keywords if other is not each]
            yield f"{text[:60]} without {ast.unparse(each)}", "keywords", left


_KINDS: tuple[tuple[Any, Callable[[Any], Iterator[tuple[str, str, object]]]], ...] = (
    (ast.Compare, _compared),
    (ast.BoolOp, _joined),
    (ast.BinOp, _combined),
    (ast.UnaryOp, _negated),
    (ast.Constant, _constants),
    (ast.Call, _called),
    ((ast.If, ast.IfExp, ast.While), _decided),
    ((ast.Tuple, ast.List, ast.Set), _listed),
)


def _parts(node: ast.AST) -> Iterator[tuple[str, str, object]]:
    """Yield the changes of what belongs to a node: entries, conditions, statements."""
    if isinstance(node, ast.Dict) and len(node.keys) > 1:
        for number, key in enumerate(node.keys):
            change = f"{{...}} without {ast.unparse(key or node.values[number])}"
            field, other = ("keys", ast.Constant("another")) if key else ("values", ast.Dict([], []))
            every = getattr(node, field)
            yield change, field, [*every[:number], other, *every[number + 1 :]]
    if isinstance(node, ast.comprehension):
        for each in node.ifs:
            yield f"all, without if {ast.unparse(each)}", "ifs", [other for other in node.ifs if other is not each]
    for field in ("body", "orelse"):
        found = getattr(node, field, None)
        statements: list[ast.stmt] = found if isinstance(found, list) else []
        for number, statement in enumerate(statements):
            if isinstance(statement, (ast.AugAssign, ast.Expr)) and not isinstance(statement.value, ast.Constant):
                idle = ast.If(ast.Constant(value=False), [statement], [])
                yield (
                    f"without {ast.unparse(statement)}",
                    field,
                    [*statements[:number], idle, *statements[number + 1 :]],
                )
