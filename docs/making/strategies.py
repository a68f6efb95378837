"""The page of the strategies: the registry, and what each one's module says of itself."""

from __future__ import annotations

import re
from importlib import import_module
from itertools import groupby

from ...reports.exports.bibtex import cited
from ...tuners.registry import RECIPES, Recipe
from .markdown import GENERATED, code, from_docstring, table

HEAD = f"""{GENERATED}
# Strategies

Every strategy that `--strategies` takes: what it is for, its formula, its papers, and an example
that runs. [Choosing a strategy](../explanation/choosing-a-strategy.md) says which one to take;
`perjoule strategies` prints the list.

Each is a class that is made from a space, a seed and the task, and has two methods: `ask(spent_j)`
proposes what to train next, or None, and `tell(result)` learns what came of it. Its proposals are a
function of the seed, of what it was told and of the joules spent, so an interrupted run goes on
where it stood.
"""
_PART = re.compile(r"`parts\.(\w+)`")
_LEADS = (
    "When to use it",
    "What it promises",
    "Formula",
    "How it works",
    "What was tried",
    "Methods",
)
_ABILITIES = {
    "prunes": "gives candidates up early",
    "stops_early": "heeds `--stop-early`",
    "transfers": "heeds `--warm-start`",
}
_FIELD = re.compile(r"(\w+) = [{](.*?)[}],\n", re.DOTALL)


def page() -> str:
    """Return the page."""
    groups = [(key, list(some)) for key, some in groupby(_in_order(), key=_module)]
    parts = _parts([_docstring(module) for module, _ in groups])
    rows = [
        [f"[`{r.name}`](#{r.name})", r.summary, r.optimises, ", ".join(_abilities(r))]
        for _, recipes in groups
        for r in recipes
    ]
    shared = [_part(name) for name in parts]
    overview = table(["name", "what it does", "seeks", "besides"], rows)
    sections = [_section(module, recipes) for module, recipes in groups]
    common = (
        "## What several share\n\nStrategies are made of parts, and promise what these promise."
    )
    return "\n".join([HEAD, overview, *sections, common, "", *shared]).rstrip() + "\n"


def _in_order() -> list[Recipe]:
    """The strategies as the registry lists them, those of one module together."""
    modules = list(dict.fromkeys(_module(recipe) for recipe in RECIPES.values()))
    return sorted(RECIPES.values(), key=lambda recipe: modules.index(_module(recipe)))


def _module(recipe: Recipe) -> str:
    assert isinstance(recipe.make, str)
    return recipe.make.partition(":")[0]


def _docstring(module: str, room: str = "strategies") -> str:
    return import_module(f"perjoule.tuners.{room}.{module}").__doc__ or ""


def _abilities(recipe: Recipe) -> list[str]:
    return [words for name, words in _ABILITIES.items() if getattr(recipe, name)]


def _section(module: str, recipes: list[Recipe]) -> str:
    title, *blocks = from_docstring(_docstring(module))
    first, *others = [recipe.name for recipe in recipes]
    names = ", ".join(code(recipe.name) for recipe in recipes)
    anchors = "".join(f'<span id="{name}"></span>' for name in others)
    sources = [f"{recipe.summary}; {recipe.source}" for recipe in recipes]
    told = [
        f"## {names} {{ #{first} }}",
        f"{anchors}{_title(title)}.",
        *_example_last(module, blocks),
    ]
    if entries := cited(sources):
        told.append("Papers:\n\n" + "\n".join(f"- {_reference(entry)}" for entry in entries))
    return "\n" + "\n\n".join(told) + "\n"


def _title(text: str) -> str:
    """The first sentence of a module, without the names that stand at its end."""
    return re.sub(r":? (?:`[\w-]+`(?:, )?)+\.?$", "", text.replace("\n", " ")).rstrip(".")


def _example_last(module: str, blocks: list[str]) -> list[str]:
    """What it is for, first; then its formula and promises; then the example."""
    texts = [_lead(_linked(block)) for block in blocks if not block.startswith("```pycon")]
    [example] = [each for each in blocks if each.startswith("```pycon")]
    own = [name for name in re.findall(r"\w+Strategy", example) if f"import {name}" not in example]
    line = f">>> from perjoule.tuners.strategies.{module} import {own[0]}"
    return [*texts, "Example:", example.replace("pycon\n", f"pycon\n{line}\n", 1)]


def _lead(block: str) -> str:
    for lead in _LEADS:
        if block.startswith(f"{lead}:"):
            return f"**{lead}:**{block[len(lead) + 1 :]}"
    return block


def _linked(block: str) -> str:
    if block.startswith("```"):
        return block
    return _PART.sub(lambda match: f"[{_words(match[1])}](#parts-{match[1]})", block)


def _words(part: str) -> str:
    return part.replace("_", " ")


def _parts(texts: list[str]) -> list[str]:
    """The parts that texts name, and those that the texts of these name."""
    found: list[str] = []
    while texts:
        named = [name for text in texts for name in _PART.findall(text) if name not in found]
        found += dict.fromkeys(named)
        texts = [_docstring(name, "parts") for name in dict.fromkeys(named)]
    return sorted(found)


def _part(name: str) -> str:
    title, *blocks = from_docstring(_docstring(name, "parts"))
    texts = [_linked(title), *(_linked(block) for block in blocks)]
    return f"### {_words(name).capitalize()} {{ #parts-{name} }}\n\n" + "\n\n".join(texts) + "\n"


def _reference(entry: str) -> str:
    """An entry of the bibliography in a line."""
    told = dict(_FIELD.findall(entry))
    plain = {name: re.sub(r"[{}]", "", " ".join(text.split())) for name, text in told.items()}
    authors = [each.partition(",")[0] for each in plain["author"].split(" and ")]
    who = " and ".join(authors) if len(authors) < 3 else f"{authors[0]} et al."
    where = plain.get("journal") or plain.get("booktitle") or plain.get("howpublished", "")
    parts = [f"{who} ({plain.get('year', 'software')}): *{plain['title']}*", where, _link(plain)]
    return ". ".join(part for part in parts if part)


def _link(plain: dict[str, str]) -> str:
    if "doi" in plain:
        return f"[doi:{plain['doi']}](https://doi.org/{plain['doi']})"
    if "eprint" in plain:
        return f"[arXiv {plain['eprint']}](https://arxiv.org/abs/{plain['eprint']})"
    return f"<{plain['url']}>" if "url" in plain else ""
