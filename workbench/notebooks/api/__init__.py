"""Notebooks over HTTP: PAI's DSW operations, and the few of our own that PAI has none for."""

from workbench.notebooks.api import dashboards, history, instances, own, timers
from workbench.parts import Route

ROUTES: tuple[Route, ...] = (
    *instances.ROUTES,
    *history.ROUTES,
    *timers.ROUTES,
    *own.ROUTES,
    *dashboards.ROUTES,
)
