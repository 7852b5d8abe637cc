"""From any state, whatever happens meanwhile, a notebook comes to rest and holds nothing in vain."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.notebooks.examples import NOW, a_notebook, a_pod
from workbench.notebooks import rules
from workbench.notebooks.records import Notebook, Status, Wanted
from workbench.notebooks.rules import BeingDeleted
from workbench.runtime import Pod, PodState

MOST_STEPS = 40

POSSIBLE = {
    Wanted.RUNNING: set(Status) - {Status.STOPPING, Status.STOPPED, Status.DELETING},
    Wanted.STOPPED: {Status.STOPPING, Status.STOPPED},
    Wanted.DELETED: {Status.DELETING},
}


@dataclass
class World:
    """The record, the engine with at most one container of it, and whether anything is held for one."""

    notebook: Notebook | None
    pod: Pod | None
    holds: bool
    """Pins, session files, GPUs."""

    def step(self) -> bool:
        """Carry out what is needed next; False once there is nothing to do."""
        notebook = self.notebook
        if notebook is None:
            return False
        match rules.next_step(notebook, self.pod):
            case rules.Launch():
                self.holds = True
                self.notebook = rules.become(notebook, Status.STARTING, NOW)
                self.pod = a_pod(generation=notebook.generation)
            case rules.Probe():
                self.notebook = rules.become(notebook, Status.RUNNING, NOW)
            case rules.Tend():
                return False
            case rules.Judge(pod):
                self.notebook = rules.judge(notebook, pod, [], NOW)
            case rules.Recover():
                self.notebook = rules.recover(notebook, NOW)
            case rules.Stop(pod):
                self.pod = replace(pod, state=PodState.ENDED, exit_code=143)
            case rules.Remove():
                self.pod = None
            case rules.Settle():
                self.holds = False
                self.notebook = rules.settled(notebook, NOW)
                return self.notebook != notebook
            case rules.Forget():
                self.holds = False
                self.notebook = None
        return True

    def ask(self, change: Callable[[Notebook], Notebook]) -> None:
        """What the owner asks for, as far as it can still be asked."""
        with suppress(BeingDeleted):
            self.notebook = self.notebook and change(self.notebook)

    def preempt(self) -> None:
        """It makes way for other work while it runs, or is about to."""
        if self.notebook and isinstance(rules.next_step(self.notebook, self.pod), rules.Probe | rules.Tend):
            self.notebook = rules.preempted(self.notebook, "job x of alice (priority 7)", NOW)

    def end_pod(self, exit_code: int) -> None:
        """The container ends, by itself or by somebody's hand."""
        if self.pod and self.pod.state is PodState.RUNNING:
            self.pod = replace(self.pod, state=PodState.ENDED, exit_code=exit_code)

    def remove_pod(self) -> None:
        """Somebody removes the container."""
        self.pod = None


@st.composite
def worlds(draw: st.DrawFn) -> World:
    wanted = draw(st.sampled_from(Wanted))
    notebook = a_notebook(
        wanted=wanted,
        status=draw(st.sampled_from(sorted(POSSIBLE[wanted]))),
        generation=draw(st.integers(1, 3)),
        interruptions=draw(st.integers(0, rules.MOST_INTERRUPTIONS)),
        running_since=draw(st.sampled_from([None, NOW])),
    )
    state = draw(st.sampled_from([None, *PodState]))
    exit_code = draw(st.sampled_from([0, 1, 127, 137, 143, 255])) if state is PodState.ENDED else None
    pod = state and a_pod(state=state, generation=draw(st.integers(1, 3)), exit_code=exit_code)
    return World(notebook, pod, holds=pod is not None or draw(st.booleans()))


HAPPENINGS = st.sampled_from(
    [
        lambda world: world.ask(lambda notebook: rules.start(notebook, NOW)),
        lambda world: world.ask(lambda notebook: rules.stop(notebook, NOW)),
        lambda world: world.ask(lambda notebook: rules.delete(notebook, NOW)),
        World.preempt,
        lambda world: world.end_pod(137),
        lambda world: world.end_pod(0),
        lambda world: world.end_pod(1),
        World.remove_pod,
        World.step,
        World.step,
        World.step,
    ]
)


@given(worlds(), st.lists(HAPPENINGS, max_size=12))
def test_whatever_happens_it_comes_to_rest_and_holds_nothing_in_vain(
    world: World, happenings: list[Callable[[World], object]]
) -> None:
    for happen in happenings:
        happen(world)

    steps = 0
    while world.step():
        steps += 1
        assert steps < MOST_STEPS, world

    notebook, pod = world.notebook, world.pod
    if notebook and notebook.wanted is Wanted.RUNNING and notebook.status is not Status.FAILED:
        assert notebook.status is Status.RUNNING
        assert pod is not None
        assert (pod.state, pod.generation) == (PodState.RUNNING, notebook.generation)
    else:
        assert pod is None
        assert not world.holds
        assert notebook is None or notebook.status in (Status.STOPPED, Status.FAILED)


def test_a_way_that_no_rule_knows_cannot_be_written() -> None:
    with pytest.raises(rules.ForbiddenTransition, match="Deleting cannot become Running"):
        rules.become(a_notebook(status=Status.DELETING), Status.RUNNING, NOW)
