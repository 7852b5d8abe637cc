"""Notebooks: JupyterLab sessions, which PAI calls DSW instances."""

from workbench.notebooks.access import route
from workbench.notebooks.api import ROUTES
from workbench.notebooks.api.instances import permitted
from workbench.notebooks.reconcile import note_out_of_memory, reconcile
from workbench.notebooks.records import MIGRATIONS, IdleLimit, by_status, everything, ids, waiting_for_image
from workbench.notebooks.residents import RESIDENTS, stop_all
from workbench.notebooks.session import KIND
from workbench.notebooks.sight import heard_by
from workbench.notebooks.unused import idle_floors, note_use, stop_unless_active

__all__ = [
    "KIND",
    "MIGRATIONS",
    "RESIDENTS",
    "ROUTES",
    "IdleLimit",
    "by_status",
    "everything",
    "heard_by",
    "idle_floors",
    "ids",
    "note_out_of_memory",
    "note_use",
    "permitted",
    "reconcile",
    "route",
    "stop_all",
    "stop_unless_active",
    "waiting_for_image",
]
