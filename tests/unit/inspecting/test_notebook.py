"""The functions of `import sftdata` that look at a dataset, and rows as a notebook shows them."""

from __future__ import annotations

import html
import pickle
import re
import shutil
import sys
from pathlib import Path

import pytest
from support import handmade
from support.handmade import row

import sftdata
from sftdata.errors import SftdataError, TokenizerError

ROWS = [row("a", "Say <b>\n", "hi"), row("b", "c\n", "d"), row("e", "f\n", "g", split="test")]


@pytest.fixture
def folder(tmp_path: Path, byte_tokenizer: Path) -> Path:
    own = tmp_path / "tokenizer"
    shutil.copytree(byte_tokenizer, own)
    (tmp_path / "out").mkdir()
    return Path(handmade.write(tmp_path / "out", own, ROWS).manifest.directory)


def test_a_loaded_row_has_its_text_and_its_tokens(folder: Path) -> None:
    train = sftdata.load(folder)["train"]
    assert (train[0].prompt, train[0].target, train[0].text) == ("Say <b>\n", "hi", "Say <b>\nhi")
    assert len(train[0].tokens) == len(train[0].input_ids)
    assert train[:1][0].text == train[-2].text  # a slice's rows have a reader, too


def test_a_loaded_dataset_shows_its_splits(folder: Path) -> None:
    assert repr(sftdata.load(folder)) == f"Dataset('{folder}', train: 2 rows, test: 1 row)"


def test_a_row_in_a_notebook_is_the_page_in_a_frame_without_scripts(folder: Path) -> None:
    shown = sftdata.load(folder)["train"][0]._repr_html_()
    assert shown is not None
    page = html.unescape(re.findall(r'<iframe sandbox srcdoc="([^"]*)"', shown)[0])
    assert 'data-row="a"' in page
    assert "Say &lt;b&gt;" in page
    assert "Say <b>" not in page


def test_a_row_whose_tokenizer_is_gone_shows_the_error_not_a_traceback(folder: Path) -> None:
    shutil.rmtree(folder.parent / "tokenizer")
    first = sftdata.load(folder)["train"][0]
    shown = first._repr_html_()
    assert shown is not None
    assert shown.startswith("<pre>Example(&#x27;a&#x27;, ")
    assert "tokenizer" in shown
    with pytest.raises(TokenizerError):
        _ = first.text


def test_a_row_sent_to_another_process_has_its_ids_and_says_that_it_has_no_text(
    folder: Path,
) -> None:
    sent = pickle.loads(pickle.dumps(sftdata.load(folder)["train"][0]))
    assert sent.input_ids.tolist() == ROWS[0].input_ids
    with pytest.raises(SftdataError, match="another process"):
        _ = sent.text


def test_stats_and_doctor_take_a_dataset_or_its_folder(folder: Path) -> None:
    assert sftdata.stats(folder) == sftdata.stats(sftdata.load(folder))
    assert sftdata.stats(folder, by="split")["groups"].keys() == {"train", "test"}
    assert sftdata.doctor(folder) == sftdata.doctor(sftdata.load(folder))
    assert sftdata.doctor(folder, checks=["secret-key"]) == []


def test_doctor_refuses_a_check_that_there_is_not(folder: Path) -> None:
    with pytest.raises(SftdataError, match="There is no check 'secret-kee'"):
        sftdata.doctor(folder, checks=["secret-kee"])


def test_inspect_chooses_rows_as_the_command_does(folder: Path) -> None:
    assert [one.target for one in sftdata.inspect(folder)] == ["hi", "d"]
    assert [one.target for one in sftdata.inspect(folder, row="e")] == ["g"]
    assert [one.target for one in sftdata.inspect(folder, split="test", index=0)] == ["g"]
    rows = sftdata.inspect(folder, max_tokens=4)
    assert repr(rows) == "Rows(2 rows: 'b', 'e')"
    assert [one.target for one in rows[1:]] == ["g"]
    assert html.unescape(rows._repr_html_()).count('class="example"') == 2


def test_inspect_refuses_choices_that_contradict_each_other(folder: Path) -> None:
    with pytest.raises(SftdataError, match="Give one of row, index and random"):
        sftdata.inspect(folder, row="a", index=0)
    with pytest.raises(SftdataError, match="row names the one row"):
        sftdata.inspect(folder, row="a", task="made")


def test_a_data_frame_has_a_row_for_each_row(folder: Path) -> None:
    data = sftdata.load(folder)
    frame = data.to_pandas()
    assert frame["row_id"].tolist() == ["a", "b", "e"]
    assert frame["split"].tolist() == ["train", "train", "test"]
    assert frame["input_ids"][1].tolist() == ROWS[1].input_ids
    assert data["train"][1:].to_pandas()["row_id"].tolist() == ["b"]


def test_without_pandas_the_error_says_how_to_get_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(SftdataError, match=r"needs pandas\.\nInstall it: pip install pandas"):
        sftdata.load(folder)["train"].to_pandas()
