"""The directive `hybrid-command`, which writes the `--help` of a command as a part of a page.

The parts of a help text are those that the command itself hands to click's formatter, so the page has the groups of
options and the examples that the terminal shows.
"""

import re
from pathlib import Path
from typing import Any

import click
from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import hybrid.cli
from hybrid.cli.main import COMMANDS, main

_CODE = re.compile(r"`([^`]+)`")


class HelpParts(click.HelpFormatter):
    """Keeps the parts of a help text in place of laying them out for a terminal."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[tuple[str, Any]] = []

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        self.parts.append(("usage", f"{prog} {args}"))

    def write_heading(self, heading: str) -> None:
        self.parts.append(("heading", heading))

    def write_text(self, text: str) -> None:
        self.parts.append(("text", text))

    def write_dl(self, rows: Any, col_max: int = 30, col_spacing: int = 2) -> None:
        self.parts.append(("list", list(rows)))

    def write(self, string: str) -> None:
        if string.strip():
            self.parts.append(("text", f"\b\n{string}"))

    def write_paragraph(self) -> None:
        pass


def find_command(name: str) -> tuple[click.Command, click.Context]:
    """Return a command and its context by its name without `hybrid`, such as 'fit' or 'cache list'."""
    command: click.Command = main
    context = click.Context(main, info_name="hybrid", **main.context_settings)
    for word in name.split():
        assert isinstance(command, click.Group)
        found = command.get_command(context, word)
        if found is None:
            raise ValueError(f"There is no command 'hybrid {name}'.")
        command, context = found, click.Context(found, parent=context, info_name=word, **found.context_settings)
    return command, context


def help_parts(name: str) -> list[tuple[str, Any]]:
    """Return the parts of the help text of a command as pairs of a kind and its content."""
    command, context = find_command(name)
    formatter = HelpParts()
    command.format_help(context, formatter)
    return formatter.parts


def subcommands(name: str) -> list[str]:
    """Return the names of a group's commands, such as 'cache list'. Those of `hybrid` itself have their own pages."""
    command, context = find_command(name)
    if name and isinstance(command, click.Group):
        return [f"{name} {word}" for word in command.list_commands(context)]
    return []


class HybridCommand(SphinxDirective):
    """`{hybrid-command} fit`: the help text of `hybrid fit`. Without an argument, that of `hybrid` itself."""

    optional_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        for file in Path(hybrid.cli.__file__).parent.glob("*.py"):  # a page is built again when a help text has changed
            self.env.note_dependency(str(file))
        return self._command(self.arguments[0] if self.arguments else "")

    def _command(self, name: str) -> list[nodes.Node]:
        program = f"hybrid {name}".strip()
        result: list[nodes.Node] = []
        place: Any = result  # where the next node goes: the page, or the section of a heading
        for kind, content in help_parts(name):
            if kind == "heading":
                place = self._section(content, f"{program} {content}")
                result.append(place)
            elif kind == "usage":
                place.append(_code_block(content, "text"))
            elif kind == "text":
                place.extend(self._paragraphs(content))
            elif items := [self._item(program, *row) for row in content if not row[0].startswith("-h, --help")]:
                place.append(nodes.definition_list("", *items, classes=["command-options"]))
        for subcommand in subcommands(name):
            section = self._section(f"hybrid {subcommand}", subcommand)
            section.extend(self._command(subcommand))
            result.append(section)
        return result

    def _section(self, title: str, label: str) -> nodes.section:
        section = nodes.section("", nodes.title("", title), ids=[nodes.make_id(label)], names=[])
        self.state.document.note_explicit_target(section)
        return section

    def _item(self, program: str, names: str, text: str) -> nodes.definition_list_item:
        term = nodes.term("", "", ids=[])
        if program == "hybrid" and names in COMMANDS:
            term += self._inline(f"`hybrid {names}`")
        else:
            term += nodes.literal("", names)
        for name in re.findall(r"(?<![\w-])--?[a-z][\w-]*", names):
            label = nodes.make_id(f"{program} {name}")
            term["ids"].append(label)
            self.env.domains.standard_domain.add_program_option(program, name, self.env.docname, label)
        return nodes.definition_list_item("", term, nodes.definition("", *self._paragraphs(text)))

    def _paragraphs(self, text: str) -> list[nodes.Node]:
        """Return the paragraphs of a help text. Lines after a backspace, which click does not join, are a block."""
        result: list[nodes.Node] = []
        for paragraph in re.split(r"\n\s*\n", text.strip("\n")):
            if paragraph.lstrip().startswith("\b"):
                lines = paragraph.split("\b", 1)[1].strip("\n")
                language = "sh" if lines.lstrip().startswith(("# ", "hybrid ")) else "text"
                result.append(_code_block(lines, language))
            elif paragraph.strip():
                result.append(nodes.paragraph("", "", *self._inline(" ".join(paragraph.split()))))
        return result

    def _inline(self, text: str) -> list[nodes.Node]:
        """Return a text with its `code` marked, and with links from commands to their pages."""
        result: list[nodes.Node] = []
        for position, part in enumerate(_CODE.split(text)):
            if position % 2 == 0:
                result.append(nodes.Text(part))
                continue
            code = nodes.literal("", part)
            words = part.split()
            if words[0] == "hybrid" and len(words) > 1 and words[1] in COMMANDS:
                reference = addnodes.pending_xref(
                    "", code, refdomain="std", reftype="doc", refexplicit=True,
                    reftarget=f"/reference/commands/{words[1]}", refdoc=self.env.docname,
                )  # fmt: skip
                result.append(reference)
            else:
                result.append(code)
        return result


def _code_block(text: str, language: str) -> nodes.literal_block:
    lines = text.split("\n")
    indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    text = "\n".join(line[indent:].rstrip() for line in lines)
    return nodes.literal_block(text, text, language=language)


def setup(app: Sphinx) -> dict[str, Any]:
    directive: type[Directive] = HybridCommand
    app.add_directive("hybrid-command", directive)
    return {"parallel_read_safe": True}
