"""The shape of the source: small modules that say what they own, no drawers, no unsafe loading."""

from __future__ import annotations

import ast

from source import MODULES, dotted

LONGEST_MODULE = 400
LONGEST_FUNCTION = 50
DRAWERS = {"utils", "util", "helpers", "common", "core", "misc", "managers", "signals"}
UNSAFE_CALLS = {"eval", "exec", "marshal.load", "marshal.loads", "os.system", "torch.load"}
UNSAFE_CALLS |= {"yaml.load", "yaml.unsafe_load", "joblib.load"}
UNSAFE_MODULES = {"cPickle", "dill", "pickle", "shelve"}
EDGES = {
    "annotation.dicom.worker": "an image file may break the decoder in any way",
    "annotation.write_backs": "a read that cannot be stored back says so",
    "annotation.intake": "a series that cannot be made ready stops no other",
    "deploy.ticker": "goes on with the next tick",
    "learning.rounds": "a round that failed says why",
}
"""Process edges that may catch everything, and why."""


def test_modules_are_short() -> None:
    lines = {module.name: len(module.text.splitlines()) for module in MODULES}
    assert not {name: count for name, count in lines.items() if count > LONGEST_MODULE}


def test_each_module_says_what_it_owns() -> None:
    silent = [one.name for one in MODULES if one.text.strip() and not ast.get_docstring(one.tree)]
    assert not silent


def test_there_are_no_drawers() -> None:
    assert not [one.name for one in MODULES if one.name.rsplit(".", 1)[-1] in DRAWERS]


def test_functions_are_short() -> None:
    lines = {
        f"{module.name}.{function.name}": (function.end_lineno or 0) - function.body[0].lineno + 1
        for module in MODULES
        for function in module.functions()
    }
    assert not {name: count for name, count in lines.items() if count > LONGEST_FUNCTION}


def test_nothing_is_unpickled_or_executed() -> None:
    unsafe = []
    for module in MODULES:
        for call in module.calls():
            name = dotted(call.func)
            if name in UNSAFE_CALLS or name.split(".")[0] in UNSAFE_MODULES or _allows_pickle(call):
                unsafe.append((module.name, call.lineno, name))
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {alias.name for alias in node.names} | {getattr(node, "module", None)}
                if names & (UNSAFE_MODULES | {"django.dispatch", "django.db.models.signals"}):
                    unsafe.append((module.name, node.lineno, "import"))
    assert not unsafe


def _allows_pickle(call: ast.Call) -> bool:
    """NumPy pickles only when asked."""
    asked = [keyword.value for keyword in call.keywords if keyword.arg == "allow_pickle"]
    return any(not (isinstance(value, ast.Constant) and value.value is False) for value in asked)


def test_everything_is_caught_at_process_edges_alone() -> None:
    catching = {
        module.name
        for module in MODULES
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler) and _is_broad(node) and not _raises_again(node)
    }
    assert catching == EDGES.keys()


def _is_broad(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or dotted(handler.type) in {"Exception", "BaseException"}


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def test_nothing_is_left_to_do() -> None:
    words = ("TODO", "FIXME", "XXX")
    assert not [(one.name, word) for one in MODULES for word in words if word in one.text]
