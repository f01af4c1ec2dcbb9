"""``@node``: what follows from a declaration, and which declarations are refused."""

from __future__ import annotations

import pytest

from support.sample_nodes import ID, declared
from wetgate.spec import Problems, UsageError, node, param, registry

HELP = "Does what a node of a test does, by a formula that is of no interest to anybody, out of no source at all."


def declare(body, **options):
    """A class with this body, declared as a node that is forgotten at once."""
    body = {"__doc__": HELP, "render": lambda self, frames, ctx: None} | body
    if "strength" not in body:
        body["strength"] = param(1.0, lo=0, hi=1, hint="How much of it is applied.")
        body["__annotations__"] = {"strength": float} | body.get("__annotations__", {})
    settings = {"id": "sample_refused", "label": "Sample", "space": "scene", "version": 1} | options
    try:
        node(**settings)(type("Sample", (), body))
        return registry.get(settings["id"])
    finally:
        registry.forget(settings["id"])


def test_defaults_fill_what_is_not_given():
    with declared() as sample:
        values = sample.values({"gain": 3})
    assert values == {
        "strength": 1.0,
        "gain": 3.0,
        "tint": "none",
        "amount": 0.5,
        "steps": 0,
        "mix": 1.0,
        "view": "result",
    }


def test_an_instance_carries_its_values_and_the_class_keeps_its_defaults():
    with declared() as sample:
        made = sample.make({"gain": 3})
        assert made.gain == 3.0
        assert sample.make().gain == 2.0


def test_all_problems_of_a_request_are_told_at_once():
    with declared() as sample, pytest.raises(Problems) as caught:
        sample.values({"gain": 99, "gian": 1, "tint": "cold"})
    assert [p.where for p in caught.value.problems] == ["gain", "gian", "tint"]
    assert "did you mean 'gain'?" in str(caught.value)


def test_a_wrong_node_is_answered_with_the_right_one():
    with declared(), pytest.raises(UsageError, match=f"did you mean '{ID}'"):
        registry.get("sample_gian")


def test_every_node_gets_mix_and_view():
    with declared() as sample:
        assert sample.params["mix"].default == 1.0
        assert list(sample.params["view"].choices) == ["result", "difference", "mask"]
        assert "fidelity" not in sample.params


def test_a_node_that_synthesises_gets_fidelity():
    made = declare({}, synthesises=True)
    assert list(made.params["fidelity"].choices) == ["forensic", "faithful", "pleasing"]


def test_reach_and_pointwise_follow_the_parameters():
    with declared() as sample:
        assert [sample.reach(sample.make({"steps": n})) for n in (0, 1, 2)] == [0, 1, 2]
        assert sample.pointwise(sample.make())
        assert not sample.pointwise(sample.make({"steps": 1}))


def test_a_constant_reach_and_pointwise_are_functions_as_well():
    made = declare({}, reach=3, pointwise=True)
    assert made.reach(made.make()) == 3
    assert made.pointwise(made.make()) is True


@pytest.mark.parametrize(
    ("body", "options", "complaint"),
    [
        ({}, {"id": "Sample"}, "lower-case letters"),
        ({"__doc__": "Too short."}, {}, "docstring"),
        ({"render": lambda self, frames: None}, {}, r"needs render\(self, frames, ctx\)"),
        ({"render": None}, {}, r"needs render\(self, frames, ctx\)"),
        ({}, {"analyzes": True}, r"needs analyze\(self, shot, ctx\)"),
        ({"analyze": lambda self, shot, ctx: {}}, {"analyzes": True}, r"needs summary\(self, results\)"),
        ({"analyze": lambda self, shot, ctx: {}}, {}, "not declared with analyzes=True"),
        ({"__annotations__": {"amount": float}}, {}, "not declared with param"),
        ({"amount": param(1.0, lo=0, hi=1, hint="A parameter without type.")}, {}, "needs an annotation"),
        ({"strength": 1.0}, {}, "declares strength"),
        ({}, {"version": 0}, "version"),
    ],
)
def test_a_declaration_that_contradicts_its_class_is_refused(body, options, complaint):
    with pytest.raises(TypeError, match=complaint):
        declare(body, **options)


def test_a_parameter_that_every_node_has_cannot_be_declared_again():
    body = {"mix": param(1.0, lo=0, hi=1, hint="A second mix of the same name."), "__annotations__": {"mix": float}}
    with pytest.raises(TypeError, match="comes with every node"):
        declare(body)


def test_a_parameter_from_a_later_version_than_the_node_is_refused():
    late = param(1.0, lo=0, hi=1, hint="Came with the second version.", since=2, legacy=0.0)
    with pytest.raises(TypeError, match="since"):
        declare({"late": late, "__annotations__": {"late": float}})
    assert declare({"late": late, "__annotations__": {"late": float}}, version=2).params["late"].legacy == 0.0


def test_an_id_is_declared_once():
    with declared("first"), pytest.raises(TypeError, match="declared twice"):
        declare({}, id=ID)


def test_a_node_that_was_forgotten_is_unknown():
    with declared():
        pass
    assert ID not in registry.nodes()
    with pytest.raises(UsageError, match="there is no node"):
        registry.get(ID)


def test_the_table_of_nodes_cannot_be_written_to():
    with pytest.raises(TypeError):
        registry.nodes()["x"] = None


def test_a_coherent_node_with_a_bound_says_how_results_come_back_within_it():
    def bound(self, source, result, ctx): ...

    with pytest.raises(TypeError, match="within_bound"):
        declare({"bound": bound}, coherent=True)


def test_a_node_that_finishes_after_results_are_fused_names_parameters_of_its_own():
    def finish(self, source, made, ctx): ...

    def bound(self, source, result, ctx): ...

    assert declare({"finish": finish, "bound": bound}, coherent=True, finishing=["strength"]).finishes
    with pytest.raises(TypeError, match="finishing names parameters"):
        declare({"finish": finish}, finishing=["strenght"])
    with pytest.raises(TypeError, match="finishing names parameters"):
        declare({}, finishing=["strength"])


def test_an_analysis_fits_from_the_version_on_that_is_declared_for_it():
    assert not declare({}, version=2).takes_analysis_of(1)
    kept = declare({}, version=3, analysed_since=2)
    assert [kept.takes_analysis_of(v) for v in (1, 2, 3, 4)] == [False, True, True, False]
    with pytest.raises(TypeError, match="analysed_since"):
        declare({}, version=1, analysed_since=2)
