"""Rules about the code itself (style guide, sections 1 and 2). Limits only ratchet down."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted(path.relative_to(ROOT) for path in [*ROOT.glob("src/**/*.py"), *ROOT.glob("apps/**/*.py")])
DOCUMENTS = sorted(path.relative_to(ROOT) for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
FUNCTION_LINES_MAX = 60
MODULE_LINES_MAX = 600
NAMES_BANNED = {"utils", "helpers", "common", "misc"}


@lru_cache(maxsize=4)
def tree_of(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text())


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_modules_have_one_noun_and_an_end(path: Path) -> None:
    text = (ROOT / path).read_text()
    assert path.stem not in NAMES_BANNED, f"{path}: name what it holds"
    lines = len(text.splitlines())
    assert lines <= MODULE_LINES_MAX, f"{path} has {lines} lines; {MODULE_LINES_MAX} is the end"
    if text.strip():
        assert ast.get_docstring(tree_of(path)), f"{path}: the module says in a sentence what it holds"


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_functions_fit_on_a_screen(path: Path) -> None:
    for function in functions(tree_of(path)):
        if (function.end_lineno or 0) - function.lineno < FUNCTION_LINES_MAX // 2:
            continue  # However it is written, it fits.
        body = [node for node in function.body if not _is_docstring(node)]
        lines = sum(len(ast.unparse(node).splitlines()) for node in body)
        assert lines <= FUNCTION_LINES_MAX, f"{path}:{function.lineno} {function.name} has {lines} lines"


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_no_default_is_mutable(path: Path) -> None:
    for function in functions(tree_of(path)):
        for default in [*function.args.defaults, *function.args.kw_defaults]:
            assert not isinstance(default, ast.List | ast.Dict | ast.Set), f"{path}:{function.lineno} {function.name}"


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_what_is_left_to_do_has_a_number_or_is_done(path: Path) -> None:
    for number, line in enumerate((ROOT / path).read_text().splitlines(), 1):
        assert not re.search(r"\bFIXME\b|\bXXX\b", line), f"{path}:{number}"
        assert not re.search(r"\bTODO\b(?! #\d+)", line), f"{path}:{number}: a TODO carries an issue number"


@pytest.mark.parametrize("path", [path for path in MODULES if path.parts[0] == "apps"], ids=str)
def test_the_application_is_a_customer(path: Path) -> None:
    for node in ast.walk(tree_of(path)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            assert name.split(".")[0] != "interstate", f"{path}:{node.lineno} imports {name}"  # type: ignore[attr-defined]  # imports have lines


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
