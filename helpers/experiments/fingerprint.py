"""Fingerprints of code: of all that a function or a class reaches, and of nothing else."""

import ast
import hashlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

Symbol = tuple[str, str]  # module and top-level name in it
DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def code_print(*roots: type | object, package: str = "helpers") -> str:
    """Return a digest of every definition that the roots reach within a package.

    A definition reaches the top-level names that it mentions, in its own module and in those it
    imports from. Comments, docstrings and layout do not count, nor does what is never mentioned:
    the digest changes when what a run computes may have changed, and seldom else. A folder beside a
    module that is mentioned by name, such as one with weights, counts with all its files. Other
    packages do not count; a record names their versions.

    Parameters
    ----------
    roots
        Functions or classes of modules with a source file.
    package
        Whose code is followed.

    Raises
    ------
    ValueError
        When a root has no source file.
    """
    digests = {f"{module}.{name}": _digest(module, name, package) for module, name in
               _reached([_symbol(root) for root in roots], package)}  # fmt: skip
    lines = [f"{name.removeprefix(package)} {digests[name]}" for name in sorted(digests)]
    return hashlib.blake2b("\n".join(lines).encode(), digest_size=16).hexdigest()


def reached_names(*roots: type | object, package: str = "helpers") -> list[str]:
    """Return the names of all definitions that enter ``code_print``, sorted.

    Raises
    ------
    ValueError
        As ``code_print``.
    """
    symbols = _reached([_symbol(root) for root in roots], package)
    return sorted(f"{module}.{name}" for module, name in symbols)


@dataclass(frozen=True)
class _Module:
    """A module taken apart."""

    folder: Path
    definitions: dict[str, list[ast.stmt]]
    imports: dict[str, tuple[str, str | None]]  # local name: module, and name in it or none


def _symbol(root: type | object) -> Symbol:
    module, name = getattr(root, "__module__", ""), getattr(root, "__qualname__", "").split(".")[0]
    if _module(module) is None or name not in _module(module).definitions:
        raise ValueError(
            f"{root!r} has no source file, or is not defined at the top of a module; give a "
            "function or a class that is."
        )
    return module, name


def _reached(start: list[Symbol], package: str) -> set[Symbol]:
    found: set[Symbol] = set()
    waiting = list(start)
    while waiting:
        symbol = waiting.pop()
        if symbol not in found:
            found.add(symbol)
            waiting += _neighbours(*symbol, package)
    return found


@cache
def _neighbours(module: str, name: str, package: str) -> tuple[Symbol, ...]:
    here = _module(module)
    symbols = []
    for node in (part for statement in here.definitions[name] for part in ast.walk(statement)):
        if isinstance(node, ast.Name):
            symbols.append(_resolved(module, node.id, package))
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            source, imported = here.imports.get(node.value.id, ("", ""))
            if imported is None and _inside(source, package):
                symbols.append(_resolved(source, node.attr, package))
    return tuple(dict.fromkeys(symbol for symbol in symbols if symbol))


def _resolved(module: str, name: str, package: str) -> Symbol | None:
    """Return where a name is defined, when that is in the package or in the asking module."""
    here = _module(module)
    if here is None:
        return None
    if name in here.definitions:
        return module, name
    source, imported = here.imports.get(name, ("", None))
    if imported is None or not _inside(source, package):
        return None
    return _resolved(source, imported, package)


def _inside(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


@cache
def _module(name: str) -> _Module | None:
    path = _source(name)
    if path is None:
        return None
    tree = ast.parse(path.read_text("utf-8"))
    definitions: dict[str, list[ast.stmt]] = {}
    for statement in _top(tree.body):
        for defined in _names(statement):
            definitions.setdefault(defined, []).append(statement)
    imports: dict[str, tuple[str, str | None]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                imports[alias.asname or alias.name] = alias.name, None
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                is_module = _source(whole) is not None
                imports[alias.asname or alias.name] = (
                    (whole, None) if is_module else (node.module, alias.name)
                )
    return _Module(path.parent, definitions, imports)


@cache
def _source(name: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(name) if name else None
    except (ImportError, ValueError, AttributeError):
        return None  # such as a notebook
    origin = spec.origin if spec else None
    return Path(origin) if origin and origin.endswith(".py") else None


def _top(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a module, those under a condition too."""
    for statement in body:
        yield statement
        for part in ("body", "orelse", "finalbody"):
            if not isinstance(statement, DEFINITIONS):
                yield from _top(getattr(statement, part, []))


def _names(statement: ast.stmt) -> list[str]:
    """Return what a top-level statement defines."""
    if isinstance(statement, DEFINITIONS):
        return [statement.name]
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
        return [n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)]
    return []


@cache
def _digest(module: str, name: str, package: str) -> str:
    here, digest = _module(module), hashlib.blake2b(digest_size=16)
    for statement in here.definitions[name]:
        digest.update(_text(statement).encode())
        for node in ast.walk(statement):
            value = getattr(node, "value", None)
            if isinstance(node, ast.Constant) and isinstance(value, str) and value.isidentifier():
                for path in sorted((here.folder / value).glob("*")):
                    if path.is_file() and path.suffix != ".py":
                        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _text(node: object) -> str:
    """Return a syntax tree as text, without docstrings; the same from every Python version."""
    if isinstance(node, list):
        return "[" + ",".join(map(_text, node)) + "]"
    if not isinstance(node, ast.AST):
        return repr(node)
    parts = []
    for field, value in ast.iter_fields(node):
        if field == "body" and isinstance(node, DEFINITIONS) and _is_docstring(value[0]):
            value = value[1:]
        if value is not None and value != [] and field not in ("ctx", "kind", "type_comment"):
            parts.append(f"{field}={_text(value)}")
    return f"{type(node).__name__}({','.join(parts)})"


def _is_docstring(statement: ast.stmt) -> bool:
    value = getattr(statement, "value", None)
    return (
        isinstance(statement, ast.Expr)
        and isinstance(value, ast.Constant)
        and isinstance(value.value, str)
    )
