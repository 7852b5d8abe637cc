"""Notebooks: JupyterLab sessions, which PAI calls DSW instances."""

from workbench.notebooks.access import route
from workbench.notebooks.api import ROUTES
from workbench.notebooks.reconcile import reconcile
from workbench.notebooks.records import MIGRATIONS, by_status, everything, ids
from workbench.notebooks.session import KIND

__all__ = ["KIND", "MIGRATIONS", "ROUTES", "by_status", "everything", "ids", "reconcile", "route"]
