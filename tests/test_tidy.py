"""Rules about the code itself (style guide, sections 1 and 2). Limits only ratchet down."""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted(path.relative_to(ROOT) for path in [*ROOT.glob("src/**/*.py"), *ROOT.glob("apps/**/*.py")])
FOLDERS = sorted({path.parent for path in MODULES})
DOCUMENTS = sorted(path.relative_to(ROOT) for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
FUNCTION_LINES_MAX = 60
MODULE_LINES_MAX = 600
NAMES_BANNED = {"utils", "helpers", "common", "misc"}


_UNDONE = re.compile(r"\b(?:FIXME|XXX)\b|\bTODO\b(?! #\d+)")


@dataclass(frozen=True)
class Module:
    path: Path
    text: str
    tree: ast.Module

    @cached_property
    def functions(self) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        return [node for node in _statements(self.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """All that stands below, but for expressions, in which nothing is defined: most of a module."""
    for blocks in ("body", "orelse", "finalbody", "handlers", "cases"):
        for statement in getattr(node, blocks, ()):
            yield statement
            yield from _statements(statement)


def modules_have_one_noun_and_an_end(module: Module) -> Iterator[str]:
    if module.path.stem in NAMES_BANNED:
        yield ": name what it holds"
    lines = len(module.text.splitlines())
    if lines > MODULE_LINES_MAX:
        yield f" has {lines} lines; {MODULE_LINES_MAX} is the end"
    if module.text.strip() and not ast.get_docstring(module.tree):
        yield ": the module says in a sentence what it holds"


def functions_fit_on_a_screen(module: Module) -> Iterator[str]:
    for function in module.functions:
        if (function.end_lineno or 0) - function.lineno < FUNCTION_LINES_MAX // 2:
            continue  # However it is written, it fits.
        body = [node for node in function.body if not _is_docstring(node)]
        lines = sum(len(ast.unparse(node).splitlines()) for node in body)
        if lines > FUNCTION_LINES_MAX:
            yield f":{function.lineno} {function.name} has {lines} lines; {FUNCTION_LINES_MAX} fit on a screen"


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def no_default_is_mutable(module: Module) -> Iterator[str]:
    for function in module.functions:
        for default in [*function.args.defaults, *function.args.kw_defaults]:
            if isinstance(default, ast.List | ast.Dict | ast.Set):
                yield f":{function.lineno} {function.name} has a default that can change"


def what_is_left_to_do_has_a_number_or_is_done(module: Module) -> Iterator[str]:
    for found in _UNDONE.finditer(module.text):
        yield f":{module.text.count(chr(10), 0, found.start()) + 1}: a TODO carries an issue number, and what is broken is mended"


def the_application_is_a_customer(module: Module) -> Iterator[str]:
    if module.path.parts[0] != "apps":
        return
    for node in ast.walk(module.tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            if name.split(".")[0] == "interstate":
                yield f":{node.lineno} imports {name}"  # type: ignore[attr-defined]  # imports have lines


Rule = Callable[[Module], Iterator[str]]
RULES: tuple[Rule, ...] = (
    modules_have_one_noun_and_an_end,
    functions_fit_on_a_screen,
    no_default_is_mutable,
    what_is_left_to_do_has_a_number_or_is_done,
    the_application_is_a_customer,
)


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_the_modules_of_a_folder_keep_the_rules(folder: Path) -> None:
    offences = []
    for path in MODULES:
        if path.parent == folder:
            text = (ROOT / path).read_text()
            module = Module(path, text, ast.parse(text))
            offences += [f"{path}{offence}" for rule in RULES for offence in rule(module)]
    assert not offences, "\n".join(offences)


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (modules_have_one_noun_and_an_end, "src/helpers.py", '"""Some."""\n'),
        (modules_have_one_noun_and_an_end, "src/long.py", '"""Long."""\n' + "A = 1\n" * MODULE_LINES_MAX),
        (modules_have_one_noun_and_an_end, "src/silent.py", "A = 1\n"),
        (functions_fit_on_a_screen, "src/a.py", "def f():\n" + "    a = 1\n" * (FUNCTION_LINES_MAX + 1)),
        (no_default_is_mutable, "src/a.py", "def f(a, b=[]): ...\n"),
        (no_default_is_mutable, "src/a.py", "async def f(*, b={}): ...\n"),
        (what_is_left_to_do_has_a_number_or_is_done, "src/a.py", "# TO" + "DO later\n"),
        (what_is_left_to_do_has_a_number_or_is_done, "src/a.py", "# FIX" + "ME\n"),
        (the_application_is_a_customer, "apps/a.py", "import interstate.base\n"),
        (the_application_is_a_customer, "apps/a.py", "from interstate.base import json\n"),
    ],
)
def test_each_rule_finds_who_breaks_it(rule: Rule, path: str, text: str) -> None:
    assert list(rule(Module(Path(path), text, ast.parse(text))))


def circle_of(imports: Mapping[str, set[str]]) -> list[str]:
    """Modules that import one another in a circle, the first one last again; empty when there is none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


def test_no_modules_import_one_another_in_a_circle() -> None:
    """Imports inside functions count: what two modules need of one another is a module below both, or handed in."""
    graph = grimp.build_graph("interstate", cache_dir=None)
    circle = circle_of({module: graph.find_modules_directly_imported_by(module) for module in graph.modules})
    assert not circle, " is imported by ".join(circle)


def test_a_circle_is_found() -> None:
    assert circle_of({"a": {"b"}, "b": {"c"}, "c": {"a"}})
    assert not circle_of({"a": {"b", "c"}, "b": {"c"}, "c": set()})


def test_serving_imports_only_what_it_needs_at_the_start() -> None:
    """SAM, botocore, cryptography, rich, jinja2 and psycopg are imported when used (design, section 4)."""
    late = [
        "samtranslator",
        "botocore",
        "boto3",
        "cryptography",
        "rich",
        "jinja2",
        "psycopg",
        "httpx",
        "jsonatapy",
        "jsonpath",
        "yaml",
        "aws_croniter",
    ]
    script = f"import sys, interstate.main; print([name for name in {late!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", DOCUMENTS, ids=str)
def test_links_between_documents_resolve(path: Path) -> None:
    text = (ROOT / path).read_text()
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert ((ROOT / path).parent / target).exists(), f"{path}: {target}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=str)
def test_a_document_has_one_title(path: Path) -> None:
    outside_code = re.sub(r"```.*?```", "", (ROOT / path).read_text(), flags=re.DOTALL)
    assert len(re.findall(r"^# ", outside_code, flags=re.MULTILINE)) == 1, f"{path}"
