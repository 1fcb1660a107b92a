"""Each error has a code, and the reference page lists the codes that there are."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sftdata import errors
from sftdata.errors import SftdataError

ROOT = Path(errors.__file__).parents[1]
FILES = sorted([*ROOT.glob("sftdata/**/*.py"), *ROOT.glob("train/**/*.py")])
CLASSES = {c.__name__: c for c in vars(errors).values() if isinstance(c, type)}


def read_calls() -> Iterator[tuple[str, str | None]]:
    """Place and code of each error that is made; None: there is none."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in CLASSES:
                place = f"{path.relative_to(ROOT)}:{node.lineno}"
                given = [key.value for key in node.keywords if key.arg == "code"]
                codes = [
                    each.value
                    for value in given
                    for each in ast.walk(value)
                    if isinstance(each, ast.Constant) and re.fullmatch(r"E\d{3}", str(each.value))
                ]
                if given and not codes:
                    yield place, "computed"
                yield from ((place, str(code)) for code in codes)
                if not given:
                    yield place, CLASSES[ast.unparse(node.func)].code or None


def test_each_error_has_a_code_of_the_page_and_each_code_an_error() -> None:
    page = (ROOT / "docs/reference/errors.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| (E\d{3}) \|", page, re.MULTILINE)
    calls = list(read_calls())
    assert [place for place, code in calls if code is None] == []
    made = {code for _, code in calls} | {c.code for c in CLASSES.values() if hasattr(c, "code")}
    # A rule of templates decides between two; the system's number between three.
    made = (made | {"E502", "E801", "E802", "E803"}) - {"", "computed"}
    assert sorted(listed) == listed
    assert set(listed) == made


def test_a_rule_about_releases_has_its_own_code() -> None:
    assert errors.TemplateError("x", rule="RELEASED_EDITED").code == "E502"
    assert errors.TemplateError("x").code == "E501"


def test_the_code_survives_the_way_from_a_worker() -> None:
    import pickle

    error: SftdataError = pickle.loads(pickle.dumps(SftdataError("x", "y", code="E204")))
    assert (str(error), error.code) == ("x\ny", "E204")


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_the_number_of_a_code_is_that_of_its_subject(name: str) -> None:
    code = getattr(CLASSES[name], "code", "")
    subjects = {"SpecError": "4", "TemplateError": "", "TokenizerError": "6", "GoldenSetError": "2"}
    assert code[1:].startswith(subjects.get(name, ""))
