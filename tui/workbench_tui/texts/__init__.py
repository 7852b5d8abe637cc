"""What users read, in their language.

English stands in the code, where it is read with what it is about; `chinese.py` holds the same
in Chinese, sentence by sentence. A sentence that is missing there is shown in English, and a
test names it.
"""

from __future__ import annotations

from collections.abc import Mapping

ENGLISH = "en"
CHINESE_LANGUAGE = "zh"

_current: list[Mapping[str, str]] = [{}]


def use(language: str) -> None:
    """Say everything in this language from now on."""
    _current[0] = _sentences(language)


def language_of(environ: Mapping[str, str]) -> str:
    """The language that a locale asks for; English for those that are not here."""
    locale = next((environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environ.get(name)), "")
    return CHINESE_LANGUAGE if locale.lower().startswith("zh") else ENGLISH


def say(sentence: str, **values: object) -> str:
    """A sentence in the user's language, with its values put in.

    Args:
        sentence: In English, with `{name}` for each value.
    """
    text = _current[0].get(sentence, sentence)
    return text.format(**values) if values else text


def _sentences(language: str) -> Mapping[str, str]:
    if language == ENGLISH:
        return {}
    from workbench_tui.texts.chinese import CHINESE  # noqa: PLC0415 (who reads English need not load it)

    return CHINESE
