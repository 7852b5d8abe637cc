"""What other users wrote has no power over the terminal of who reads it."""

from __future__ import annotations

import json
import unicodedata

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.terminal import STYLE, written_to_terminal
from tests.in_process_api import Api, instance, lines
from workbench.cli import workbench
from workbench.cli.output import json_text, visible, visible_log
from workbench.errors import Conflict

CLIPBOARD = "\x1b]52;c;cm0gLXJm\x07"
"""A sequence by which many terminals take a text into their clipboard."""
C1 = "\x9b31m"
BACKWARDS = "\u202e"
EVIL = f"{CLIPBOARD}{C1}{BACKWARDS}\r"
CONTROLS = set("\x1b\x07\x9b\u202e\r")
HARMLESS = r"\x1b]52;c;cm0gLXJm\x07\x9b31m\u202e\r"


def run(api: Api, *arguments: str) -> Result:
    return CliRunner().invoke(workbench, ["--home", str(api.settings.home), *arguments])


@pytest.fixture
def evil(api: Api) -> Api:
    """A notebook whose reason and variables say more than they should; and an event of it."""
    one = instance(Status="Failed", ReasonMessage=EVIL, EnvironmentVariables={"A": EVIL})
    event = {"Number": 1, "Time": "", "Level": "Normal", "Name": EVIL, "Reason": "", "Message": EVIL}
    api.answers |= {
        "ListInstances": {"Instances": [one], "TotalCount": 1},
        "GetInstance": one,
        "ListEvents": lambda fields: {"Events": [] if "After" in fields else [event], "NextBefore": ""},
        "Watch": lambda fields: lines(),
        "StartInstance": Conflict(f"It is {EVIL} now."),
    }
    return api


@pytest.mark.parametrize(
    "command",
    [("notebook", "list"), ("notebook", "show", "first"), ("events",), ("notebook", "start", "first")],
)
def test_other_users_texts_are_spelt_in_lists_facts_and_errors(evil: Api, command: tuple[str, ...]) -> None:
    result = run(evil, *command)

    assert HARMLESS in result.output
    assert not CONTROLS & set(result.output)


def test_a_table_on_a_terminal_holds_nothing_but_its_own_styles(evil: Api) -> None:
    home = str(evil.settings.home)

    written = written_to_terminal("--home", home, "notebook", "list", columns=200)

    assert HARMLESS in written
    assert not CONTROLS & set(STYLE.sub("", written))


def test_json_stays_what_it_was_and_is_harmless_to_print(evil: Api) -> None:
    printed = run(evil, "notebook", "list", "--json").stdout

    assert json.loads(printed)[0]["reason"] == EVIL
    assert not CONTROLS & set(printed)


def test_a_log_is_as_it_was_written_in_a_pipe_and_keeps_its_colours_on_a_terminal(evil: Api) -> None:
    bar = "\x1b[32m 50%\x1b[0m\r\x1b[K\x1b[1A100%\tdone"
    evil.answers["GetNotebookLogs"] = lambda fields: lines({"Text": bar}, {"Text": CLIPBOARD + "\x1b[6n"})
    command = ("--home", str(evil.settings.home), "notebook", "logs", "first")

    assert run(evil, "notebook", "logs", "first").stdout == f"{bar}\n{CLIPBOARD}\x1b[6n\n"
    assert written_to_terminal(*command) == f"{bar}\n\\x1b]52;c;cm0gLXJm\\x07\\x1b[6n\n"


def test_a_reason_of_several_lines_cannot_pass_for_other_facts(api: Api) -> None:
    one = instance(ReasonMessage="It failed:\nowner  root")
    api.answers |= {"GetInstance": one, "ListInstances": {"Instances": [one], "TotalCount": 1}}

    shown = run(api, "notebook", "show", "first").stdout.splitlines()

    assert [line for line in shown if line.startswith("owner")] == ["owner          owner"]


@given(st.text())
def test_nothing_that_is_shown_controls_anything(text: str) -> None:
    shown = visible(text)

    assert not [each for each in shown if unicodedata.category(each) in ("Cc", "Zl", "Zp")]
    assert not (CONTROLS | set("\u2066\u2069")) & set(shown)
    assert not CONTROLS - {"\r"} & set(visible_log(text.replace("\x1b[", "")))
    assert json.loads(json_text(text)) == text
    assert not CONTROLS & set(json_text(text))


def test_letters_of_all_languages_stay() -> None:
    assert visible("Größe 大小 👩‍🔬 عربي") == "Größe 大小 👩‍🔬 عربي"
