"""What a cloud can be asked for with a notebook and one machine does not do.

What would change the notebook that its maker gets is refused. What means nothing here, where there is
one network, one driver and no market of disks, is left out without a word.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.errors import InvalidInput
from workbench.notebooks.records import Notebook

NOT_OVERSOLD = "ForbiddenQuotaOverSold"

_INSTEAD = {
    "ImageAuth": "Use `docker login` on this machine, as the user who runs Workbench.",
    "AccessRestrictionRules": "Accessibility and the members' roles say who comes in.",
    "CloudDisks": "The home directory and installed packages are kept as they are; mount more with Datasets.",
    "DynamicMount": "Mount the files with Datasets; they are there from the next start.",
}
"""By field, what to do instead."""


def refuse(fields: Mapping[str, Any], notebook: Notebook) -> None:
    """Refuse a request that asks for what its maker would miss.

    Args:
        notebook: As it was before, or would be by the defaults.

    Raises:
        InvalidInput: Names the field, and what to do instead.
    """
    for name, instead in _INSTEAD.items():
        if _is_asked_for(fields.get(name)):
            raise InvalidInput(f"{name} is not offered here.", hint=instead)
    oversold = fields.get("OversoldType") or NOT_OVERSOLD
    if oversold != NOT_OVERSOLD:
        raise InvalidInput(
            f"OversoldType is {oversold!r}; nothing is oversold here.",
            hint=f"Leave it out, or give {NOT_OVERSOLD}; SpotSpec makes a notebook preemptible.",
        )
    owner = fields.get("UserId") or notebook.user_id
    if owner != notebook.user_id:
        raise InvalidInput(
            f"UserId is {owner!r}, and a notebook belongs to who creates it, here user {notebook.user_id}.",
            hint="Leave it out; to make one for somebody else, ask with an access key or a token of theirs.",
        )


def _is_asked_for(value: Any) -> bool:
    """Whether a field says something, and not that it is switched off."""
    return bool(value) and not (isinstance(value, Mapping) and value.get("Enable") is False)
