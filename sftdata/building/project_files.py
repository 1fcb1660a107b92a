"""The files of a new project beside its spec and template."""

from __future__ import annotations

CI_FILE = ".github/workflows/sftdata.yml"


def gitignore_text() -> str:
    """`.gitignore`: datasets are built, so they are not committed."""
    return "# Datasets: sftdata build makes them again.\n/data/\n"


def ci_text(task: str, *, has_template: bool, has_rows: bool) -> str:
    """A workflow that checks the project on every push."""
    rows = "" if has_rows else _FETCH
    check = "      - run: sftdata template check\n" if has_template else ""
    return (
        "# Checks that the rows can still be built, and that no released template has changed.\n"
        "name: sftdata\n"
        "on: [push]\n"
        "jobs:\n"
        "  check:\n"
        "    runs-on: ubuntu-latest\n"
        "    steps:\n"
        "      - uses: actions/checkout@v4\n"
        "      - uses: actions/setup-python@v5\n"
        '        with: { python-version: "3.12" }\n'
        "      - run: pip install sftdata\n"
        f"{check}{rows}"
        f"      - run: sftdata build --task {task} --dry-run\n"
    )


_FETCH = (
    "      # The rows are not in this repository: bring them to the place that the spec names.\n"
)


def readme_text(task: str, *, has_template: bool) -> str:
    """The README of a project."""
    template = _TEMPLATE.format(task=task) if has_template else ""
    return f"""# {task}

A dataset for supervised fine-tuning, built by sftdata from the rows that `pipelines/{task}.toml`
names.

```sh
sftdata build --task {task}            # build, or bring up to date: data/{task}
sftdata inspect data/{task} --random 3 # text, tokens and label mask of rows
sftdata stats data/{task}              # lengths, target share, drops
sftdata doctor data/{task}             # what may spoil training
sftdata train data/{task} --model path/to/model --out adapter
```

* `pipelines/{task}.toml`: what is built. Its comments explain each key.
* `pipelines/spec.schema.json`: lets an editor check the spec. After an update of sftdata:
  `sftdata schema spec > pipelines/spec.schema.json`
{template}* `data/`: datasets. They are not committed.
* `.github/workflows/sftdata.yml`: an example of a check on every push.
"""


_TEMPLATE = """\
* `templates/{task}/plain.jinja`: how a row becomes prompt and target. When it is right:
  `sftdata template release {task}/plain`
"""
