import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstate.core.templates.errors import TemplateError
from interstate.core.templates.plan import Action, Change, Standing, deletions, plan

REPLACED = {"Queue": frozenset({"Name"}), "Rule": frozenset({"Bus"})}


def replaced_by(type_: str) -> frozenset[str]:
    return REPLACED[type_]


def queue(needs: tuple[str, ...] = (), **properties: object) -> Standing:
    return Standing("Queue", properties, frozenset(needs))


A, B = queue(), queue(("A",))
Rows = list[tuple[dict[str, Standing], dict[str, Standing], list[Change]]]
PLANS: Rows = [
    ({}, {}, []),
    ({}, {"B": B, "A": A}, [Change(Action.CREATE, "A", "Queue"), Change(Action.CREATE, "B", "Queue")]),
    ({"A": A, "B": B}, {"A": A, "B": B}, []),
    ({"A": A, "B": B}, {}, [Change(Action.DELETE, "B", "Queue"), Change(Action.DELETE, "A", "Queue")]),
    ({"A": A}, {"A": queue(Delay=3)}, [Change(Action.UPDATE, "A", "Queue", ("Delay",))]),
    ({"A": queue(Delay=3)}, {"A": A}, [Change(Action.UPDATE, "A", "Queue", ("Delay",))]),
    (
        {"A": queue(Name="a"), "B": B},
        {"A": queue(Name="b", Delay=1), "B": B},
        [Change(Action.REPLACE, "A", "Queue", ("Delay", "Name")), Change(Action.UPDATE, "B", "Queue", certain=False)],
    ),
    (
        {"A": A, "C": queue()},
        {"B": queue(), "A": queue(("B",), Delay=1)},
        [
            Change(Action.CREATE, "B", "Queue"),
            Change(Action.UPDATE, "A", "Queue", ("Delay",)),
            Change(Action.DELETE, "C", "Queue"),
        ],
    ),
]


@pytest.mark.parametrize(("before", "after", "changes"), PLANS)
def test_a_difference_becomes_ordered_changes(
    before: dict[str, Standing], after: dict[str, Standing], changes: list[Change]
) -> None:
    assert plan(before, after, replaced_by) == changes


def test_a_resource_cannot_change_its_type() -> None:
    with pytest.raises(TemplateError) as refused:
        plan({"A": A, "B": B}, {"B": Standing("Rule", {}), "A": A}, replaced_by)
    assert refused.value.message == (
        "Update of resource type is not permitted. The new template modifies resource type of the following resources: [B]"
    )


def test_deletions_spare_what_is_kept() -> None:
    assert [change.logical_id for change in deletions({"A": A, "B": B, "C": queue(("B",))}, kept={"B"})] == ["C", "A"]


STANDING = st.dictionaries(
    st.sampled_from("ABCD"),
    st.builds(
        lambda name, delay: Standing("Queue", {"Name": name, "Delay": delay}),
        st.sampled_from("ab"),
        st.integers(0, 1),
    ),
)


@given(before=STANDING, after=STANDING)
def test_carrying_out_a_plan_ends_in_what_is_wanted(before: dict[str, Standing], after: dict[str, Standing]) -> None:
    standing = dict(before)
    for change in plan(before, after, replaced_by):
        if change.action is Action.DELETE:
            del standing[change.logical_id]
        else:
            standing[change.logical_id] = after[change.logical_id]
    assert standing == after
    assert plan(after, after, replaced_by) == []
