"""Templates whose text differs from run to run are neither checked nor released."""

from __future__ import annotations

import pytest
from support.releases import ID, SOURCE, error_rules, write_source

from sftdata.errors import TemplateError
from sftdata.versioning.release import release


@pytest.mark.parametrize(
    "loop",
    [
        "{% for x in dict(a=1, b=2).keys() - [] %}{{ x }}{% endfor %}",
        "{% for x in (dict(a=1, b=2).items() - []) %}{{ x }}{% endfor %}",
    ],
)
def test_a_loop_over_a_set_is_not_deterministic(loop: str) -> None:
    write_source(SOURCE.replace("Article:", f"{loop} Article:"))
    assert error_rules() == {"NONDETERMINISTIC"}
    with pytest.raises(TemplateError, match="NONDETERMINISTIC"):
        release(ID)
