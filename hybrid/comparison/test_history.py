"""What the history of a workspace says about a comparison on test: how often test was shown, and for which models.

A look counts if it showed scores on any of the test images, also if they belonged to another state of the dataset then.
"""

from collections.abc import Container, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hybrid.comparison.significance import few
from hybrid.errors import InputError
from hybrid.wording import number
from hybrid.workspace.history import FITTED, PLANNED, SHOWN, Event, History, Plan, images_by_dataset
from hybrid.workspace.model_record import ModelRecord
from hybrid.workspace.workspace import Workspace


@dataclass(frozen=True)
class TestHistory:
    """The looks at test that were made before a comparison, in the same workspace and on any of the same test images.

    Attributes
    ----------
    models : int
        Number of models that were ever fitted; a model that was fitted again counts again.
    gone : int
        How many of these were since removed or fitted again.
    looks : int
        How often test scores were shown before this comparison.
    first : str
        The date of the first look; empty if there was none.
    looks_before_choice : int
        How often test scores were shown before the way of choosing a model was fixed.
    fitted_after : tuple of str
        The compared models that were fitted after the first look.
    unrecorded : tuple of str
        The compared models whose fit is not in the history, because an earlier version of hybrid fitted them.
    planned : str
        The date on which the choice was planned; empty if it was not.
    plan : Plan or None
        The last plan.
    plan_looks : int
        How often test scores were shown before the last plan was made.
    is_intact : bool
        Whether the history is as it was written.
    images : int
        Number of test images, each counted once however often it is there; 0 if it is not known.
    images_shown : int
        How many of them an earlier look was at; 0 if it is not known.
    shared : bool
        Whether some of the models were fitted on another dataset, or another state of this one, that has some of the
        same test images.
    """

    __test__ = False  # pytest would take the class for tests because of its name

    models: int
    gone: int = 0
    looks: int = 0
    first: str = ""
    looks_before_choice: int = 0
    fitted_after: tuple[str, ...] = ()
    unrecorded: tuple[str, ...] = ()
    planned: str = ""
    plan: Plan | None = None
    plan_looks: int = 0
    is_intact: bool = True
    images: int = 0
    images_shown: int = 0
    shared: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return asdict(self) | {"fitted_after": list(self.fitted_after), "unrecorded": list(self.unrecorded)}

    def sentences(self) -> tuple[str, ...]:
        """Return what a reader has to know before trusting the scores on test."""
        return tuple(text for text, _ in self._said())

    def reassurances(self) -> tuple[str, ...]:
        """Return those of the sentences that say that test had no influence, so that nothing limits its scores."""
        return tuple(text for text, is_limit in self._said() if not is_limit)

    @property
    def seen(self) -> str:
        """Whether, how often and how many of the test images had been shown before, as part of a sentence."""
        if not self.looks:
            return "test had not been shown before"
        when = f"{times(self.looks)} before, first on {self.first[:10]}"
        if 0 < self.images_shown < self.images:
            return (
                f"of the {self.images} test images, {self.images_shown} {'was' if self.images_shown == 1 else 'were'} "
                f"among those that had been shown {when}"
            )
        return f"test had been shown {when}"

    def _said(self) -> list[tuple[str, bool]]:
        """Return each sentence, and whether it limits the scores on test."""
        gone = (
            f" ({number(self.gone, 'of them was', 'of them were')} removed or fitted again since)" if self.gone else ""
        )
        others = " or on other data with some of its test images" if self.shared else ""
        fitted = f"{number(self.models, 'model was', 'models were')} fitted on this dataset{others} in this workspace"
        said = [(f"{fitted}{gone}; {self.seen}.", self.looks > 0)]
        if self.fitted_after:
            text = (
                f"{number(len(self.fitted_after), 'of the compared models was', 'of the compared models were')} fitted "
                f"after test was first shown ({few(self.fitted_after)}). If what it showed influenced them, their test "
                "scores are too optimistic."
            )
            said.append((text, True))
        if self.unrecorded:
            text = (
                f"{number(len(self.unrecorded), 'of the models was', 'of the models were')} fitted before this history "
                f"began ({few(self.unrecorded)}), so earlier looks at test are not known."
            )
            said.append((text, True))
        if self.plan:
            late = f"after test had been shown {times(self.plan_looks)}" if self.plan_looks else "before test was shown"
            said.append((f"The plan {self.plan.digest} ({self.plan}) was made {late}.", self.plan_looks > 0))
        if not self.is_intact:
            text = "The history of the workspace was changed after it was written; it may lack looks at test."
            said.append((text, True))
        return said


def times(count: int) -> str:
    """Return a number of times as words: "once", "twice" or "3 times"."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def read_history(
    workspace: Workspace, models: Sequence[ModelRecord], names: Container[str], test_images: Sequence[str] = ()
) -> TestHistory:
    """Return what a workspace's history says before a comparison of models of one dataset.

    Parameters
    ----------
    workspace : Workspace
    models : sequence of ModelRecord
        The compared models, all of the same dataset.
    names : container of str
        How a model is chosen, or all names of the model that was named.
    test_images : sequence of str, default=()
        Digests of the test images from `hybrid.workspace.history.image_digests`, if the history does not have them.
    """
    history = History(workspace)
    events, dataset = history.events(), models[0].dataset_fingerprint
    images_of = {dataset: frozenset(test_images)} | images_by_dataset(events)
    images = images_of[dataset]
    datasets = {dataset, *(other for other, its in images_of.items() if its & images)}
    here = [event for event in events if event.dataset_fingerprint in datasets]
    looks = [
        index for index, event in enumerate(events) if event.what == SHOWN and event.dataset_fingerprint in datasets
    ]
    shown = frozenset[str]().union(*(images_of.get(events[index].dataset_fingerprint, ()) for index in looks))
    fitted = {pair: index for index, event in enumerate(events) if event.what == FITTED for pair in _pairs(event)}
    compared = {(model.name, model.predictions_sha256): model.name for model in models}
    ever = {pair for event in here for pair in _pairs(event)} | set(compared)
    plans = [index for index, event in enumerate(events) if event.what == PLANNED and event.plan]
    chosen = _position_of_choice(events, plans, names)
    return TestHistory(
        models=len(ever),
        gone=len(ever - _present(workspace) - set(compared)),
        looks=len(looks),
        first=events[looks[0]].at if looks else "",
        looks_before_choice=sum(index < chosen for index in looks),
        fitted_after=tuple(name for pair, name in compared.items() if looks and fitted.get(pair, -1) > looks[0]),
        unrecorded=tuple(name for pair, name in compared.items() if pair not in fitted),
        planned=events[chosen].at if chosen < len(events) else "",
        plan=events[plans[-1]].plan if plans else None,
        plan_looks=sum(index < plans[-1] for index in looks) if plans else 0,
        is_intact=history.is_intact,
        images=len(images),
        images_shown=len(images & shown),
        shared=any(event.dataset_fingerprint != dataset for event in here),
    )


def said_at_fit(record: ModelRecord, workspace: Workspace) -> list[str]:
    """Return what the history says about a model that was just fitted: earlier looks at its test images, and the plan.

    Parameters
    ----------
    record : ModelRecord
    workspace : Workspace
    """
    if "test" not in (*record.splits, *record.sealed):
        return []
    history = read_history(workspace, [record], ())
    said = []
    if history.looks:
        said.append(
            f"{history.seen[0].upper()}{history.seen[1:]}. If what it showed influenced this model, the model's score "
            "on test will be too optimistic."
        )
    choose = history.plan.choose if history.plan else record.name
    if choose not in ("simplest", "best") and not record.name.startswith(choose):  # it may be named without its end
        said.append(
            f"The plan of this workspace chooses {choose}: this model will be compared with it, but not chosen."
        )
    return said


def _pairs(event: Event) -> list[tuple[str, str]]:
    """Return the models of an event, each as its name and the digest of its predictions."""
    return list(event.models.items())


def _position_of_choice(events: Sequence[Event], plans: Sequence[int], names: Container[str]) -> int:
    """Return the index of the plan that fixed how a model is chosen; the number of events if no plan did.

    It is the first of the plans since which the choice is the same.
    """
    fixed = len(events)
    for index in reversed(plans):
        plan = events[index].plan
        if plan is None or plan.choose not in names:
            break
        fixed = index
    return fixed


def _present(workspace: Workspace) -> set[tuple[str, str]]:
    """Return the models that the workspace has now, each as its name and the digest of its predictions."""
    present = set()
    for path in workspace.records("models"):
        try:
            present.add((path.parent.name, ModelRecord.read(path).predictions_sha256))
        except InputError:  # a damaged model counts as removed
            continue
    return present
