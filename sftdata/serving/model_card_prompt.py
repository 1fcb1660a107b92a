"""The sections of a model card that say how to prompt the model."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import PurePath

from sftdata.base.escaping import escape
from sftdata.errors import SftdataError
from sftdata.serving.conversation import Question
from sftdata.serving.passport import Passport
from sftdata.serving.prompt import ServingPrompt
from sftdata.serving.recorded_prompt import list_prompt_fields, make_renderer
from sftdata.writing.markdown import code, code_block, plain

_IDS_SHOWN = 24


def describe_prompting(passport: Passport, repository: str | None) -> str:
    """The code that asks the model, and an example of a prompt."""
    label = next(iter(passport["templates"]), None)
    fields = [] if label is None else list_prompt_fields(passport, label)
    text = f"""The model answers well only to the prompts it was trained on, token by token.
`Prompter` makes them, without the dataset:

```python
{_code(passport, repository, fields)}
```

A server of your own must send these ids and add none (`add_special_tokens: false`), and stop at
the first of the ids {", ".join(f"`{one}`" for one in passport["stop_ids"])}."""
    example = _example(passport, fields)
    if example is None:
        return text
    ids = ", ".join(map(str, example.input_ids[:_IDS_SHOWN]))
    more = ", …" if len(example.input_ids) > _IDS_SHOWN else ""
    return f"""{text} For example, with “…” in place of each text:

{code_block("text", example.text)}

{len(example.input_ids):,} ids: `{ids}{more}`"""


def _code(passport: Passport, repository: str | None, fields: list[str]) -> str:
    """Python that renders a prompt and generates the answer."""
    if repository is None:
        head, fetch, folder = "", "", '"THIS_FOLDER"'
    else:
        head = "from huggingface_hub import snapshot_download\n"
        fetch, folder = f'folder = snapshot_download("{repository}")\n', "folder"
    base = public_name(passport["base_model"]["name"])
    model = (
        f"model = transformers.AutoModelForCausalLM.from_pretrained({folder})"
        if passport.is_whole_model
        else f"model = transformers.AutoModelForCausalLM.from_pretrained({json.dumps(base)})\n"
        f"model.load_adapter({folder})"
    )
    return f"""import sftdata
import torch
import transformers
{head}
{fetch}prompter = sftdata.Prompter({folder})
prompt = prompter({_arguments(passport, fields)})
{model}
ids = model.generate(
    input_ids=torch.tensor([prompt.input_ids]),
    eos_token_id=prompt.stop_ids,
    do_sample=False,
    max_new_tokens=256,
)
print(prompter.read_answer(ids[0, len(prompt.input_ids) :].tolist()))"""


def _arguments(passport: Passport, fields: list[str]) -> str:
    """The arguments of a call of the prompter."""
    templates = [*passport["templates"]]
    if not templates:
        return 'messages=[{"role": "user", "content": "…"}]'
    row = escape(json.dumps(dict.fromkeys(fields, "…"), ensure_ascii=False))
    return f'{row}, template="{templates[0]}"' if len(templates) > 1 else row


def _example(passport: Passport, fields: list[str]) -> ServingPrompt | None:
    """A prompt of placeholders; None if no template renders them, or no tokenizer is left."""
    try:
        renderer = make_renderer(passport)
        if not passport["templates"]:
            return renderer.render_question(Question([{"role": "user", "content": "…"}]))
        return renderer.render(
            dict.fromkeys(fields, "…"), template=next(iter(passport["templates"]))
        )
    except SftdataError:
        return None


def describe_templates(passport: Passport) -> Iterable[str]:
    """The text of each template, and where the chat template is."""
    for label, template in passport["templates"].items():
        yield f"### Template {plain(label)}"
        yield code_block("jinja", template["source"])
    chat = passport["chat"]
    if chat is not None:
        options = json.dumps(chat["options"], ensure_ascii=False) if chat.get("options") else ""
        yield (
            "The prompts are turns of the chat template in `chat_template.jinja`"
            + (f", with the options {code(options)}." if options else ".")
        )


def public_name(name: str) -> str:
    """A name without the path on this machine: of a folder, its last part."""
    path = PurePath(name)
    return path.name if path.is_absolute() else name
