"""The product uses what libraries document, and none of their internals: those change without notice."""

import ast
import importlib
import inspect
import pkgutil
import textwrap
from pathlib import Path

import pytest

import bff

SOURCES = sorted(Path(bff.__file__).parent.rglob("*.py"))
# Documented in spite of the underscore: how marshmallow's fields are extended, named tuples copied and their
# fields listed, and what stands behind one of Flask's proxies found.
DOCUMENTED_OVERRIDES = {"_deserialize"}
DOCUMENTED_ATTRIBUTES = {"_deserialize", "_exit", "_fields", "_get_current_object", "_replace"}


def is_private(name):
    return name.startswith("_") and not name.startswith("__")


def private_attributes(tree):
    """Return the private attributes that code uses of anything but itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            owner = node.value
            if not (isinstance(owner, ast.Name) and owner.id in {"self", "cls"}):
                yield node.attr


def names_in_texts(tree):
    """Return the private names that code passes to getattr and its like, or looks up in vars()."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"getattr", "setattr", "hasattr"}:
            yield from (each.value for each in node.args if isinstance(each, ast.Constant))
        if isinstance(node, ast.Subscript) and getattr(getattr(node.value, "func", None), "id", "") == "vars":
            yield getattr(node.slice, "value", None)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_private_attribute_of_another_object_is_used(path):
    text = path.read_text("utf-8")
    tree = ast.parse(text)

    assert "SLF001" not in text
    assert set(private_attributes(tree)) <= DOCUMENTED_ATTRIBUTES
    assert [name for name in names_in_texts(tree) if isinstance(name, str) and is_private(name)] == []


def library_bases(kind):
    return [base for base in kind.__mro__[1:] if base.__module__.split(".")[0] not in {"bff", "builtins"}]


def classes():
    for module in pkgutil.walk_packages(bff.__path__, "bff."):
        if module.name != "bff.__main__":
            for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
                if kind.__module__ == module.name and library_bases(kind):
                    yield kind


def names_defined_in(kind):
    """Return the names that the body of a class gives, or its methods set on self."""
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(kind)))):
        match node:
            case ast.FunctionDef(name=name) | ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
                yield name


def test_no_class_overrides_an_internal_of_a_library():
    overridden = {
        f"{kind.__qualname__}.{name}"
        for kind in classes()
        for name in set(names_defined_in(kind)) - DOCUMENTED_OVERRIDES
        if is_private(name) and any(hasattr(base, name) for base in library_bases(kind))
    }

    assert overridden == set()
