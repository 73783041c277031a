"""Models that are given by name: the choice or the reference of a plan, a recipe or a command."""

from collections.abc import Sequence
from dataclasses import replace

from hybrid.comparison.choice import PREFERENCES
from hybrid.comparison.leaderboard import Leaderboard
from hybrid.errors import InputError, unknown_name
from hybrid.wording import joined
from hybrid.workspace.history import Plan


def planned(leaderboard: Leaderboard, plan: Plan) -> Leaderboard:
    """Return a leaderboard whose model is chosen as the plan says."""
    if plan.choose in PREFERENCES:
        return replace(leaderboard, how=plan.choose)
    if name := dict(aliases(leaderboard)).get(plan.choose):
        return replace(leaderboard, how=name, fixed_by="the plan")
    remark = f"The plan names {plan.choose}, which is not one of these models; a model is chosen on validation instead."
    return replace(leaderboard, remarks=(*leaderboard.remarks, remark))


def with_fixed_models(
    leaderboards: Sequence[Leaderboard], names: Sequence[str], fixed_by: str
) -> tuple[Leaderboard, ...]:
    """Return the leaderboards, each with the model among `names` as its choice."""
    known = {alias: name for leaderboard in leaderboards for alias, name in aliases(leaderboard)}
    for name in names:
        if name not in known:
            raise unknown_name("model", name, (*PREFERENCES, *known))
    with_models = []
    for leaderboard in leaderboards:
        fixed = [name for alias, name in aliases(leaderboard) if alias in names]
        if len(set(fixed)) > 1:
            raise InputError(
                f"{' and '.join(map(repr, fixed))} were fixed in advance for the same images: give only one of them."
            )
        remark = f"None of these models was fixed in advance by {fixed_by}, which fixed {', '.join(names)}."
        changes = {"how": fixed[0], "fixed_by": fixed_by} if fixed else {"remarks": (*leaderboard.remarks, remark)}
        with_models.append(replace(leaderboard, **changes))
    return tuple(with_models)


def with_references(
    leaderboards: Sequence[Leaderboard], asked: Sequence[str], names: Sequence[str]
) -> tuple[Leaderboard, ...]:
    """Return the leaderboards with the references that are among their models, by their full names.

    Names that were asked for must exist; those of a plan need not.
    """
    known = {alias: name for leaderboard in leaderboards for alias, name in aliases(leaderboard)}
    for name in asked:
        if name not in known:
            raise unknown_name("model", name, known, "It was given as the reference.")
    changed = []
    for leaderboard in leaderboards:
        found = tuple(dict.fromkeys(name for alias, name in aliases(leaderboard) if alias in names))
        if len(found) > 1:
            both = joined([repr(name) for name in found])
            raise InputError(f"{both} were given as references for the same images: give only one of them.")
        remarks = leaderboard.remarks
        if names and not found:
            remarks = (
                *remarks,
                f"The reference, {joined(names)}, is not among these models; each is compared with the chosen model.",
            )
        changed.append(
            replace(
                leaderboard,
                tested=replace(leaderboard.tested, references=found),
                remarks=remarks,
            )
        )
    return tuple(changed)


def aliases(leaderboard: Leaderboard) -> list[tuple[str, str]]:
    """Return pairs of an alias and a name. The aliases of a model are its name, and its name without the suffix.

    A model that is not shown, since another one is the same, is an alias of that one.
    """
    models = {name: name for name in leaderboard.names} | leaderboard.twins
    return [(alias, name) for other, name in models.items() for alias in {other, leaderboard.label(other)}]
