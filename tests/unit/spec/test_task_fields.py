"""The fields of a task, from the spec that names it or one of its templates."""

from __future__ import annotations

from pathlib import Path

from sftdata.spec.task_fields import TaskFields, find_task_fields


def test_the_spec_of_the_task_names_them_in_their_order() -> None:
    fields = find_task_fields("instruct/mine")
    assert fields == TaskFields(
        ("instruction", "input", "output", "system"), frozenset({"input", "system"}), "output"
    )


def test_a_spec_that_names_the_template_is_found_by_it() -> None:
    Path("pipelines").mkdir()
    Path("pipelines/a.toml").write_text('task = "x"\n[fields]\none = "1"\n')
    Path("pipelines/b.toml").write_text('templates = [{ id = "x/y@1" }]\n[fields]\ntwo = "2"\n')
    Path("pipelines/broken.toml").write_text("= ")
    assert find_task_fields("x/y") == TaskFields(("two",))
    assert find_task_fields("x/z") == TaskFields(("one",))
    assert find_task_fields("z/z") is None


def test_a_preset_has_the_fields_of_its_task() -> None:
    Path("a.toml").write_text('task = "x"\npreset = "squad"\n')
    fields = find_task_fields("x/y")
    assert fields is not None
    assert {"question", "context", "answer"} <= {*fields.names}


def test_conversations_have_none() -> None:
    assert find_task_fields("chat/mine") is None
