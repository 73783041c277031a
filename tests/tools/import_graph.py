"""The import graph of the code, counting imports inside functions and under TYPE_CHECKING.

A lazy package, whose ``__init__.pyi`` says where its public names are defined, is looked through: importing a public
name counts as an import of the file that defines it.
"""

import ast
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from paths import ROOT

FOLDERS = ("hybrid", "pipelines", "extractors", "classifiers")

Graph = dict[str, set[str]]


def source_files() -> list[Path]:
    """Return every Python file of the package, relative to the root of the checkout."""
    return sorted(path.relative_to(ROOT) for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def module_name(path: Path) -> str:
    """Return the name that a file of the package is imported by."""
    parts = path.with_suffix("").parts
    parts = parts if parts[0] == "hybrid" else ("hybrid", *parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, Path]:
    """Return the file of each module."""
    return {module_name(path): path for path in source_files()}


@cache
def public_names(package: str) -> dict[str, str]:
    """Return the module that defines each public name of a lazy package, as its stub says."""
    stub = (ROOT / modules()[package]).with_suffix(".pyi")
    if not stub.exists():
        return {}
    tree = ast.parse(stub.read_text())
    return {
        alias.name: _defined_in(f"{package}.{node.module}", alias.name)
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.level == 1
        for alias in node.names
    }


def _defined_in(module: str, name: str) -> str:
    """Return the module that defines a name which is imported from another one."""
    if f"{module}.{name}" in modules():
        return f"{module}.{name}"
    return public_names(module).get(name, module) if module in modules() else module


def imports_of(path: Path) -> set[str]:
    """Return the modules of the package that a file imports anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {_defined_in(node.module, alias.name) for alias in node.names}
    return {name for name in found if name in modules()} - {module_name(path)}


def file_graph() -> Graph:
    """Return the files that each file imports."""
    return {str(path): {str(modules()[name]) for name in imports_of(path)} for path in source_files()}


def folder_graph(files: Mapping[str, Iterable[str]]) -> Graph:
    """Return the folders that the files of each folder import from."""
    graph: Graph = {}
    for path, imported in files.items():
        folder = str(Path(path).parent)
        graph.setdefault(folder, set()).update(str(Path(other).parent) for other in imported)
        graph[folder].discard(folder)
    return graph


def cycles(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Return the groups of nodes that import each other, directly or through others (Tarjan 1972)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        order[node] = low[node] = len(order)
        stack.append(node)
        for other in graph.get(node, ()):
            if other not in order:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], order[other])
        if low[node] == order[node]:
            component = []
            while not component or component[-1] != node:
                component.append(stack.pop())
            if len(component) > 1:
                found.append(sorted(component))

    for node in graph:
        if node not in order:
            visit(node)
    return found


def longest_chain(graph: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the longest path of imports in a graph without cycles."""

    @cache
    def below(node: str) -> tuple[str, ...]:
        return (node, *max((below(other) for other in graph.get(node, ())), key=len, default=()))

    return list(max(map(below, graph), key=len))


def describe() -> str:
    """Return the figures of the graph, one a line."""
    files = file_graph()
    folders = folder_graph(files)
    chain = longest_chain(files) if not cycles(files) else []
    return "\n".join(
        [
            f"{len(files)} files in {len(folders)} folders",
            f"{sum(map(len, files.values()))} imports, {sum(map(len, folders.values()))} between folders",
            *(f"cycle of files: {', '.join(cycle)}" for cycle in cycles(files)),
            *(f"cycle of folders: {', '.join(cycle)}" for cycle in cycles(folders)),
            f"longest chain: {len(chain)} files",
            *chain,
        ]
    )


if __name__ == "__main__":
    print(describe())
