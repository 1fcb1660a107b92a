"""For any text, prompt and target come back exact from the ids."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sftdata.examples.encode import encode_segments
from sftdata.examples.layout import PlainComposer
from sftdata.examples.tokens import join_segments
from sftdata.rendering.render import render_batch
from sftdata.rendering.template import parse_template
from sftdata.tokenizing.encoder import FAST, REFERENCE, Encoder, load_encoder
from sftdata.tokenizing.load import load_tokenizer

EOS = 256
TEMPLATE = parse_template(
    "t/t",
    "{% block system %}\nBe kind.\n\n{% endblock %}\n"
    "{% block prompt %}\n{{ article }}\n{% endblock %}\n"
    "{% block target %}\n{{ summary }}\n{%- endblock %}",
)
texts = st.text(max_size=40) | st.sampled_from(
    ["<eos>", "\r\n", "\0", "e\u0301", "👩‍👩‍👧", "\ufeff"]
)
pairs = st.lists(st.tuples(texts, texts), min_size=1, max_size=4)


@functools.cache
def encoder_of(folder: Path, engine: str) -> Encoder:
    return load_encoder(load_tokenizer(str(folder)), engine)


@pytest.mark.parametrize("engine", [REFERENCE, FAST])
@given(rows=pairs)
@example(rows=[("", ""), ("<eos>", "<eos><eos>")])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_prompt_and_target_come_back_exact(
    byte_tokenizer: Path, engine: str, rows: list[tuple[str, str]]
) -> None:
    columns = {"row_id": [str(i) for i in range(len(rows))]}
    columns |= {"article": [a for a, _ in rows], "summary": [s for _, s in rows]}
    arrays = {name: pa.array(column, pa.large_string()) for name, column in columns.items()}
    rendered = render_batch(pa.RecordBatch.from_pydict(arrays), TEMPLATE)
    encoder = encoder_of(byte_tokenizer, engine)
    segments = PlainComposer(None, EOS).compose(rendered, None)
    batch = join_segments(encode_segments(segments, encoder), len(rows))
    assert len(batch.offsets) == len(rows) + 1
    for i, (article, summary) in enumerate(rows):
        ids = batch.input_ids[batch.offsets[i] : batch.offsets[i + 1]]
        mask = batch.label_mask[batch.offsets[i] : batch.offsets[i + 1]]
        start = int(batch.target_start[i])
        assert bytes(ids[:start].tolist()).decode() == f"Be kind.\n\n{article}\n"
        assert bytes(ids[start:-1].tolist()).decode() == summary
        assert ids[-1] == EOS
        assert EOS not in ids[:-1]
        assert np.array_equal(mask, np.arange(len(ids)) >= start)
