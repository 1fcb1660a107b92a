"""The typed options of `build` are the keys of a spec, no more and no fewer."""

from __future__ import annotations

from sftdata.spec.model import Spec
from sftdata.spec.options import SpecOptions


def test_every_key_that_build_has_no_argument_for_is_an_option() -> None:
    of_build = {"task", "data", "fields", "templates", "tokenizer"}
    assert SpecOptions.__optional_keys__ == Spec.model_fields.keys() - of_build
