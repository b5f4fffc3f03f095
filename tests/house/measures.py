"""
What can be measured of the source without running it: names, imports,
interfaces, callables. Everything takes the folder of a checkout, so that any
version is measured in the same way.
"""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

#: The checkout that this file belongs to.
HERE = Path(__file__).parents[2]
PRODUCT = "goiptwist"

#: Method names of L{twisted.logger.Logger}.
LEVELS = frozenset({"debug", "info", "warn", "error", "critical", "failure"})
#: What a log field was called before there was one word for each meaning.
OLD_LOG_FIELDS = frozenset({"why", "trouble", "detail", "words", "queue", "bridge"})


@cache
def modules(root: Path = HERE, package: str = PRODUCT) -> Mapping[str, Path]:
    """Every module of a package by its name."""
    found = {}
    for path in sorted((root / package).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(part for part in parts if part != "__init__")] = path
    return found


@cache
def tree(path: Path) -> ast.Module:
    """A file, parsed."""
    return ast.parse(path.read_text())


def nodes(root: Path = HERE, package: str = PRODUCT) -> Iterator[tuple[str, ast.AST]]:
    """Every node of every module, with the name of the module."""
    for name, path in modules(root, package).items():
        for node in ast.walk(tree(path)):
            yield name, node


# -- imports --


def imported(root: Path, name: str) -> set[str]:
    """The modules of the product that a module imports, at its top or further in."""
    known, found = modules(root), set()
    for node in ast.walk(tree(known[name])):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in known else node.module)
    return {module for module in found if module in known and module != name}


def package_of(root: Path, name: str) -> str:
    """The package that holds a module, with its own C{__init__}; a module beside packages."""
    beside = name.count(".") == 1
    return name if beside or modules(root)[name].name == "__init__.py" else name.rpartition(".")[0]


def room_of(name: str) -> str:
    """The room of a module: C{goiptwist.store.rows} is in C{store}."""
    parts = name.split(".")[1:]
    return ".".join(parts[:2] if parts[:1] == ["bridges"] else parts[:1])


def package_arrows(root: Path = HERE) -> set[tuple[str, str]]:
    """Which package imports which other one."""
    arrows = {
        (package_of(root, name), package_of(root, other))
        for name in modules(root)
        for other in imported(root, name)
    }
    return {(one, other) for one, other in arrows if not _inside(one, other)}


def _inside(one: str, other: str) -> bool:
    """Whether one package holds the other: what is between them is a matter of that package."""
    return one == other or f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")


def room_arrows(root: Path = HERE) -> set[tuple[str, str]]:
    """Which room imports which other one."""
    arrows = {
        (room_of(name), room_of(other)) for name in modules(root) for other in imported(root, name)
    }
    return {(one, other) for one, other in arrows if one != other and one and other}


def circles(arrows: set[tuple[str, str]]) -> list[list[str]]:
    """The groups whose members reach one another (strongly connected components)."""
    reached: dict[str, set[str]] = {}
    onward: dict[str, set[str]] = defaultdict(set)
    for one, other in arrows:
        onward[one].add(other)
    for start in onward:
        seen: set[str] = set()
        waiting = list(onward[start])
        while waiting:
            place = waiting.pop()
            if place not in seen:
                seen.add(place)
                waiting += onward.get(place, ())
        reached[start] = seen
    groups = {
        frozenset(other for other in reached[one] if one in reached.get(other, ()))
        for one in reached
        if one in reached[one]
    }
    return sorted((sorted(group) for group in groups), key=len, reverse=True)


# -- classes --


def classes(root: Path = HERE, package: str = PRODUCT) -> list[tuple[str, str]]:
    """Each class, as the name of its module and its own."""
    return [
        (name, node.name) for name, node in nodes(root, package) if isinstance(node, ast.ClassDef)
    ]


def namesakes(root: Path = HERE) -> dict[str, list[str]]:
    """The names that several classes have, each with the modules of these."""
    found = defaultdict(list)
    for module, name in classes(root):
        found[name].append(module)
    return {name: places for name, places in sorted(found.items()) if len(places) > 1}


def borrowed(root: Path = HERE) -> list[str]:
    """The classes of the tests that are called like one of the product."""
    own = {name for _, name in classes(root)}
    return sorted(f"{module}.{name}" for module, name in classes(root, "tests") if name in own)


def interfaces(root: Path = HERE) -> dict[str, tuple[set[str], set[str]]]:
    """The methods and the attributes of each zope Interface, inherited ones too."""
    found = {
        node.name: node
        for _, node in nodes(root)
        if isinstance(node, ast.ClassDef) and node.name.startswith("I") and node.bases
    }

    def bases(node: ast.ClassDef) -> list[str]:
        return [ast.unparse(base).rpartition(".")[2] for base in node.bases]

    def is_interface(node: ast.ClassDef) -> bool:
        return any(
            base == "Interface" or (base in found and is_interface(found[base]))
            for base in bases(node)
        )

    def members(node: ast.ClassDef) -> tuple[set[str], set[str]]:
        methods: set[str] = set()
        attributes: set[str] = set()
        for base in bases(node):
            if base in found:
                inherited = members(found[base])
                methods |= inherited[0]
                attributes |= inherited[1]
        for part in node.body:
            if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
                methods.add(part.name)
            elif isinstance(part, ast.AnnAssign):
                attributes.add(ast.unparse(part.target))
            elif isinstance(part, ast.Assign):
                attributes |= {ast.unparse(target) for target in part.targets}
        return methods, attributes

    return {name: members(node) for name, node in found.items() if is_interface(node)}


# -- callables --


def _callable_names(root: Path) -> set[str]:
    """The names that stand for a type C{Callable[...]}."""
    found = {"Callable"}
    for _, node in nodes(root):
        if isinstance(node, ast.Assign) and _names(node.value) & {"Callable"}:
            if isinstance(node.value, ast.Subscript):
                found |= {ast.unparse(target) for target in node.targets}
        elif isinstance(node, ast.TypeAlias if hasattr(ast, "TypeAlias") else ()):
            found.add(ast.unparse(node.name))
    return found


def _names(node: ast.AST | None) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} if node else set()


def injected(root: Path = HERE) -> list[str]:
    """Fields of classes, and parameters of their C{__init__}, that are bare callables."""
    names = _callable_names(root)
    found = []
    for module, node in nodes(root):
        if not isinstance(node, ast.ClassDef):
            continue
        for part in node.body:
            if isinstance(part, ast.AnnAssign) and _names(part.annotation) & names:
                if "ClassVar" not in _names(part.annotation):
                    found.append(f"{module}.{node.name}.{ast.unparse(part.target)}")
            elif isinstance(part, ast.FunctionDef) and part.name == "__init__":
                found += [
                    f"{module}.{node.name}.{argument.arg}"
                    for argument in (*part.args.args, *part.args.kwonlyargs)
                    if _names(argument.annotation) & names
                ]
    return sorted(set(found))


def set_from_outside(root: Path = HERE) -> list[str]:
    """
    Callables that are put on an object after it was made, by somebody else:
    C{thing.attribute = self.method}, or a place in its table of callables.
    """
    functions, values = Counter[str](), Counter[str]()
    for _, node in nodes(root):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            is_value = any("property" in ast.unparse(made) for made in node.decorator_list)
            (values if is_value else functions)[node.name] += 1
        elif isinstance(node, ast.AnnAssign):
            values[ast.unparse(node.target).rpartition(".")[2]] += 1

    def calls(node: ast.expr) -> bool:
        if isinstance(node, ast.Lambda):
            return True
        if isinstance(node, ast.Call):
            return ast.unparse(node.func).endswith("partial")
        name = node.attr if isinstance(node, ast.Attribute) else ""
        return bool(functions[name]) and not values[name]

    own = {name.rpartition(".")[2] for name in injected(root)}
    found = []
    for module, node in nodes(root):
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            place = target.value if isinstance(target, ast.Subscript) else target
            if not isinstance(place, ast.Attribute):
                continue
            mine = ast.unparse(place.value) in ("self", "cls")
            theirs = place.attr[0].isupper()  # as expat and Twisted call what is theirs
            method = place.attr in own and isinstance(node.value, ast.Attribute)
            if not mine and not theirs and (method or calls(node.value)):
                found.append(f"{module}: {ast.unparse(target)} = {ast.unparse(node.value)}")
    return sorted(found)


# -- the rest --


def code_in_init(root: Path = HERE) -> list[str]:
    """The packages whose C{__init__} holds more than a docstring, imports and C{__all__}."""
    found = []
    for name, path in modules(root).items():
        if path.name != "__init__.py":
            continue
        for number, node in enumerate(tree(path).body):
            is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            is_all = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
            is_version = isinstance(node, ast.Assign) and name == PRODUCT
            imports = isinstance(node, ast.Import | ast.ImportFrom)
            if not (imports or is_all or is_version or (is_text and number == 0)):
                found.append(name)
                break
    return found


def any_gateway(root: Path = HERE) -> list[str]:
    """Where a gateway has no type."""
    return [
        name
        for name, node in nodes(root)
        if (isinstance(node, ast.arg) and node.arg.strip("_") == "gateway")
        or (isinstance(node, ast.AnnAssign) and ast.unparse(node.target).strip("_") == "gateway")
        if isinstance(node.annotation, ast.Name) and node.annotation.id == "Any"
    ]


def top_modules(root: Path = HERE) -> list[str]:
    """The modules that stand beside the packages."""
    return sorted(path.name for path in (root / PRODUCT).glob("*.py") if path.name != "__init__.py")


def old_log_fields(root: Path = HERE) -> list[str]:
    """The log fields that have not the one word for what they mean."""
    found = []
    for module, node in nodes(root):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            logs = node.func.attr in LEVELS and "log" in ast.unparse(node.func.value).lower()
            if logs:
                found += [
                    f"{module}: {word.arg}" for word in node.keywords if word.arg in OLD_LOG_FIELDS
                ]
    return sorted(found)
