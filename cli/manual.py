"""The command line written down: a page of the documentation, and perjoule(1).

python -m perjoule.cli.manual markdown > docs/reference/command-line.md
python -m perjoule.cli.manual man > packaging/perjoule.1
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from textwrap import wrap

from ..version import RELEASED, __version__
from .facts import Command, Parameter, Program, program

COMPLETION = (
    "`perjoule --install-completion` sets it up for the shell that calls it; "
    "`_PERJOULE_COMPLETE=source_zsh perjoule` prints the script alone, also for bash and fish. "
    "Values are completed too: strategies, data sets, meters, studies, formats."
)


def markdown(told: Program) -> str:
    """The page of the documentation."""
    lines = [
        "# Command line",
        "",
        "Every command with its arguments and options, as the program itself tells them.",
        "",
        "<!-- Made by `make manual`; a test compares it with the program. -->",
        "",
        f"{told.summary}",
        "",
        *_markdown_options("Options without a command", told.options),
    ]
    for command in told.commands:
        lines += _markdown_command(command)
    codes = [f"| {code} | {what} |" for code, what in told.exit_codes]
    lines += ["## Exit codes", "", "| code | what |", "|---|---|", *codes, "", told.exit_note, ""]
    lines += ["## Environment", "", "| variable | what for |", "|---|---|"]
    lines += [f"| `{name}` | {_cell(what)} |" for name, what in told.environment]
    lines += ["", "## Completion", "", COMPLETION]
    return "\n".join(lines) + "\n"


def man(told: Program) -> str:
    """The page of the manual, in roff."""
    lines = [
        f'.TH PERJOULE 1 {RELEASED} "perjoule {__version__}" "User Commands"',
        ".SH NAME",
        "perjoule \\- compare hyperparameter searches by energy",
        ".SH SYNOPSIS",
        "\\fBperjoule\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR] [\\fIARGUMENTS\\fR]",
        ".SH DESCRIPTION",
        _roff(told.summary),
        ".SH OPTIONS",
        *_man_parameters(told.options),
        ".SH COMMANDS",
    ]
    for command in told.commands:
        usage = _roff(command.usage.removeprefix(f"perjoule {command.name} "))
        lines += [f".SS {_roff(command.name)}", f"\\fBperjoule {command.name}\\fR {usage}"]
        for paragraph in (command.summary, *command.more):
            lines += [".PP", _roff(paragraph)]
        lines += _man_parameters((*command.arguments, *command.options))
    lines += [".SH EXIT STATUS"]
    for code, what in told.exit_codes:
        lines += [".TP", f"\\fB{code}\\fR", _roff(what)]
    lines += [".PP", _roff(told.exit_note), ".SH ENVIRONMENT"]
    for name, what in told.environment:
        lines += [".TP", f"\\fB{name}\\fR", _roff(what)]
    lines += [".SH COMPLETION", _roff(COMPLETION)]
    return "\n".join(lines) + "\n"


def _markdown_command(command: Command) -> Iterator[str]:
    yield from (f"## {command.name}", "", "```text", command.usage, "```", "")
    for paragraph in (command.summary, *command.more):
        yield from (paragraph, "")
    if command.arguments:
        yield from ("| argument | what |", "|---|---|")
        for each in command.arguments:
            yield f"| `{each.names[0]}` | {_cell(each.help)}{_default(each)} |"
        yield ""
    yield from _markdown_options("", command.options)


def _markdown_options(title: str, options: Sequence[Parameter]) -> Iterator[str]:
    if title:
        yield from (f"## {title}", "")
    if not options:
        return
    yield from ("| option | what |", "|---|---|")
    for each in options:
        name = ", ".join(f"`{name}{' ' * bool(each.value)}{each.value}`" for name in each.names)
        yield f"| {name} | {_cell(_told(each))}{_default(each)} |"
    yield ""


def _told(each: Parameter) -> str:
    """What a parameter does, and whether it may be given several times."""
    is_option = each.names[0].startswith("-")
    return f"{each.help} {'May be given again.' * (is_option and each.is_repeated)}".strip()


def _default(each: Parameter) -> str:
    if each.is_required:
        return " Required."
    return f" Default: `{each.default}`." if each.default else ""


def _cell(text: str) -> str:
    """Text in a table of Markdown, in which nothing but what stands in backticks is marked up."""
    parts = re.split(r"(`[^`]*`)", text.replace("|", "\\|"))
    return "".join(
        part if part.startswith("`") else re.sub(r"([*_<>\[\]{}])", r"\\\1", part) for part in parts
    )


def _man_parameters(parameters: Sequence[Parameter]) -> Iterator[str]:
    for each in parameters:
        value = f" \\fI{_roff(each.value)}\\fR" if each.value else ""
        names = ", ".join(f"\\fB{_roff(name)}\\fR{value}" for name in each.names)
        told = [_told(each)]
        told += ["Required."] if each.is_required and each.value else []
        told += [f"Default: {each.default}"] if each.default else []
        yield from (".TP", names, _roff(" ".join(told)))


def _roff(text: str) -> str:
    """Lines as roff takes them: each character stands for itself, and backticks make it bold."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    text = re.sub(r"`([^`]*)`", r"\\fB\1\\fR", text)
    text = "".join(c if c.isascii() else f"\\[u{ord(c):04X}]" for c in text)
    lines = wrap(text, width=78, break_long_words=False, break_on_hyphens=False)
    return "\n".join(f"\\&{line}" if line.startswith(".") else line for line in lines)


if __name__ == "__main__":
    write = {"markdown": markdown, "man": man}[sys.argv[1]]
    sys.stdout.write(write(program()))
