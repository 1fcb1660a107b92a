"""Loading specs: which file counts, what the options change, and errors that name the file."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
from support.messages import without_lines

from sftdata.errors import SpecError
from sftdata.spec.load import find_spec, load_spec, spec_from_json
from sftdata.spec.model import Mixture, Spec

SPEC = """
task = "news"
data = ["news.jsonl"]
template = "summarize/article"
tokenizer = "tokenizers/small"
[fields]
article = "article"
summary = "highlights"
"""
MIXTURE = """
task = "both"
max_length = 512
[mixture]
temperature = 2
[[sources]]
spec = "summarize"
weight = 3
[[sources]]
spec = "qa"
weight = 1
shots = 1
"""


def write(text: str) -> Path:
    path = Path("spec.toml")
    path.write_text(text, encoding="utf-8")
    return path


def load(text: str, **options: Any) -> Spec:
    spec = load_spec(file=write(text), **options)
    assert isinstance(spec, Spec)
    return spec


def load_mixture(text: str, **options: Any) -> Mixture:
    mixture = load_spec(file=write(text), **options)
    assert isinstance(mixture, Mixture)
    return mixture


def test_options_are_laid_over_the_spec_and_none_overrides_nothing() -> None:
    spec = load(SPEC, seed=3, max_length=None, data=["b.csv"], fields={"summary": "s", "id": "k"})
    assert (spec.seed, spec.max_length, spec.data) == (3, None, ("b.csv",))
    paths = {name: rule.path for name, rule in spec.fields.items()}
    assert paths == {"article": "article", "summary": "s", "id": "k"}


@pytest.mark.parametrize("option", ["template", "templates"])
def test_given_templates_replace_those_of_the_spec(option: str) -> None:
    spec = load(SPEC, **{option: ("a/b", "a/c")})
    assert [choice.id for choice in spec.templates] == ["a/b", "a/c"]


def test_a_task_is_found_in_the_working_folder_first_and_in_the_bundled_ones_second() -> None:
    assert load_spec(task="summarize").task == "summarize"
    Path("pipelines").mkdir()
    Path("pipelines/summarize.toml").write_text(SPEC)
    assert load_spec(task="summarize").task == "news"


def test_an_unknown_task_ends_in_a_suggestion() -> None:
    with pytest.raises(SpecError, match=r"'summarise'(?s:.*)Did you mean 'summarize'"):
        load_spec(task="summarise")


def test_a_task_whose_name_no_file_can_have_is_unknown() -> None:
    with pytest.raises(SpecError, match="There is no task 'aaaa"):
        load_spec(task="a" * 3000)


def test_only_a_task_of_golden_rows_has_a_spec() -> None:
    found = find_spec("qa")
    assert found is not None
    assert found.task == "qa"
    assert find_spec("multitask") is None
    assert find_spec("nope") is None


@pytest.mark.parametrize("task", ["summarize", "translate", "qa", "grammar", "rewrite"])
def test_a_spec_comes_back_from_its_manifest_and_from_another_process(task: str) -> None:
    spec = load_spec(task=task)
    assert spec_from_json(spec.to_json()) == spec
    assert pickle.loads(pickle.dumps(spec)) == spec


def test_a_recorded_spec_with_faults_is_an_error() -> None:
    recorded = load(SPEC).to_json() | {"keep": "left"}
    with pytest.raises(SpecError, match=r"^Faults in the recorded spec:\n  keep: must be"):
        spec_from_json(recorded)


def test_a_task_and_a_file_cannot_both_be_given() -> None:
    with pytest.raises(SpecError, match=r"Both the task 'qa' and the spec spec\.toml"):
        load_spec(task="qa", file=write(SPEC))


def test_the_options_that_map_a_field_are_known_and_not_recorded() -> None:
    spec = load(SPEC, fields={"summary": "s"})
    assert spec.mapped == {"summary"}
    assert load(SPEC).mapped == frozenset()
    assert "mapped" not in str(spec.to_json())


def test_an_id_that_is_mapped_must_be_there_and_one_of_none_is_not_read() -> None:
    bundled = load_spec(task="qa")
    mapped = load_spec(task="qa", fields={"id": "uid"})
    none = load_spec(task="qa", fields={"id": "none"})
    assert isinstance(bundled, Spec)
    assert isinstance(mapped, Spec)
    assert isinstance(none, Spec)
    assert bundled.to_json()["fields"]["id"] == {"path": "id", "optional": True}
    assert mapped.to_json()["fields"]["id"] == "uid"
    assert "id" not in none.fields


def test_a_spec_that_names_a_preset_lays_its_own_fields_over_those_of_the_preset() -> None:
    own = SPEC.replace('task = "news"', 'task = "news"\npreset = "xsum"\nlicense = "mine"')
    spec = load(own)
    paths = {name: rule.path for name, rule in spec.fields.items()}
    assert paths == {"id": "id", "article": "article", "summary": "highlights"}
    assert spec.license == "mine"


def test_a_preset_given_as_an_option_replaces_the_fields_of_the_spec() -> None:
    paths = {name: rule.path for name, rule in load(SPEC, preset="xsum").fields.items()}
    assert paths == {"id": "id", "article": "document", "summary": "summary"}


def test_a_map_keeps_the_rule_of_a_preset() -> None:
    spec = load_spec(task="grammar", preset="coedit_gec", fields={"text": "source"})
    assert isinstance(spec, Spec)
    assert (spec.fields["text"].path, len(spec.fields["text"].strip_prefix) > 3) == ("source", True)


def test_two_presets_cannot_both_be_given() -> None:
    with pytest.raises(SpecError, match="Both 'preset:xsum' and the preset 'samsum'"):
        load_spec(task="summarize", preset="samsum", data=["preset:xsum"])


# --- mixtures ------------------------------------------------------------------------------------


def test_a_mixture_sets_options_for_all_sources_and_a_source_its_own() -> None:
    mixture = load_mixture(MIXTURE, seed=5)
    assert (mixture.temperature, mixture.seed) == (2.0, 5)
    assert [(s.name, s.weight) for s in mixture.sources] == [("summarize", 3.0), ("qa", 1.0)]
    specs = [source.spec for source in mixture.sources]
    assert [(s.max_length, s.seed, s.shots) for s in specs] == [(512, 5, (0,)), (512, 5, (1,))]


def test_a_mixture_comes_back_from_its_manifest_and_from_another_process() -> None:
    mixture = load_spec(task="multitask")
    assert spec_from_json(mixture.to_json()) == mixture
    assert pickle.loads(pickle.dumps(mixture)) == mixture


def test_a_source_of_a_mixture_may_be_a_file_beside_it() -> None:
    Path("mine.toml").write_text(SPEC)
    (source,) = load_mixture('task = "m"\n[[sources]]\nspec = "mine.toml"\n').sources
    assert (source.name, source.spec.task) == ("mine", "news")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sources = 3", "spec.toml: 'sources' must be tables.\nWrite [[sources]] above each."),
        (
            "mixture = 3\n[[sources]]\nspec = 'qa'",
            "spec.toml: 'mixture' must be a table.\nWrite [mixture] above its keys.",
        ),
        (
            "sources = []",
            "Faults in spec.toml and the options given:\n  sources: must not be empty",
        ),
        (
            "[[sources]]\nspec = 'qa'\nweight = 0",
            "Faults in spec.toml and the options given:\n"
            "  sources.0.weight: must be greater than 0 (is 0)",
        ),
        (
            "[[sources]]\nspec = 'qa'\n[[sources]]\nspec = 'qa'\nname = 'q a'",
            "Faults in spec.toml and the options given:\n"
            "  sources: 'q a' cannot name a folder; use letters, digits, - and _",
        ),
        (
            "[[sources]]\nspec = 'qa'\n[[sources]]\nspec = 'qa'\nchat = true",
            "Faults in spec.toml and the options given:\n"
            "  sources: two sources are called 'qa'; give each a name of its own\n"
            "  sources: the sources of a mixture must have the same chat; "
            "'chat' above [[sources]] goes for all",
        ),
    ],
)
def test_a_mixture_that_cannot_be_built_is_an_error(text: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        load_mixture(f"task = 'm'\n{text}\n")
    assert without_lines(caught.value).startswith(message)


def test_an_option_of_one_source_cannot_be_given_for_a_mixture() -> None:
    with pytest.raises(SpecError, match="each of its sources has its own 'data'"):
        load_mixture(MIXTURE, data=["x.jsonl"])


def test_facts_of_a_mixture_may_be_given_for_all_of_it() -> None:
    mixture = load_mixture(MIXTURE, license="mit", language=["de"], description="Both.")
    assert (mixture.license, mixture.language, mixture.description) == ("mit", ("de",), "Both.")


def test_facts_of_a_bundled_sample_are_not_those_of_other_rows_in_a_mixture() -> None:
    mixture = load_mixture(MIXTURE.replace('"summarize"', '"summarize"\ndata = ["mine.jsonl"]'))
    assert [source.spec.license for source in mixture.sources] == ["", "Apache-2.0"]
