"""Parameter kinds: what is taken, what is refused, and how the refusal reads."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wetgate.spec import RGB, Point, UsageError, param

HINT = "A sentence that says what it does."


def make(annotation, default, **options):
    return param(default, hint=HINT, **options).named("amount", annotation)


FLOAT = make(float, 0.5, lo=-1, hi=2)
INT = make(int, 3, lo=0, hi=10)
BOOL = make(bool, False)
CHOICE = make(str, "one", choices={"one": "One", "two": "Two"})
TEXT = make(str, "")
COLOR = make(RGB, (1.0, 1.0, 1.0), lo=0, hi=4)
POINT = make(Point, (0.5, 0.5), lo=-1, hi=1)


@given(st.floats(-1, 2))
def test_every_float_within_the_limits_is_taken_as_it_is(value):
    assert FLOAT.check(value) == value
    assert FLOAT.parse(repr(value)) == value


@given(st.floats(allow_nan=True, allow_infinity=True).filter(lambda v: not -1 <= v <= 2))
def test_every_float_outside_the_limits_is_refused(value):
    with pytest.raises(UsageError, match="amount is"):
        FLOAT.check(value)


@given(st.integers(-50, 50))
def test_whole_numbers_are_taken_within_the_limits_alone(value):
    if 0 <= value <= 10:
        taken = INT.check(value)
        assert taken == value
        assert isinstance(taken, int)
    else:
        with pytest.raises(UsageError):
            INT.check(value)


def test_the_limits_themselves_are_taken_and_the_next_floats_are_not():
    for limit, beyond in ((-1.0, -math.inf), (2.0, math.inf)):
        assert FLOAT.check(limit) == limit
        with pytest.raises(UsageError):
            FLOAT.check(math.nextafter(limit, beyond))


def test_a_whole_float_is_a_whole_number_and_a_broken_one_is_not():
    assert INT.check(4.0) == 4
    with pytest.raises(UsageError, match=r"amount is 4\.5"):
        INT.check(4.5)


def test_a_whole_number_is_a_float_for_a_float():
    value = FLOAT.check(1)
    assert value == 1.0
    assert isinstance(value, float)


@pytest.mark.parametrize("p", [FLOAT, INT], ids=["float", "int"])
@pytest.mark.parametrize("value", [True, "1", None, [1], float("nan"), float("inf"), -float("inf")], ids=repr)
def test_numbers_take_nothing_but_finite_numbers(p, value):
    with pytest.raises(UsageError):
        p.check(value)


@pytest.mark.parametrize("value", [0, 1, "true", None])
def test_a_bool_takes_nothing_but_true_and_false(value):
    assert BOOL.check(True) is True
    with pytest.raises(UsageError, match="allowed: true or false"):
        BOOL.check(value)


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("Yes", True), ("ON", True), ("1", True), ("false", False), ("0", False)]
)
def test_a_typed_bool_may_be_put_in_several_ways(text, value):
    assert BOOL.parse(f" {text} ") is value


def test_a_wrong_choice_is_answered_with_the_nearest_one():
    with pytest.raises(UsageError, match=r"allowed: one, two; did you mean 'two'\?"):
        CHOICE.check("twoo")


def test_a_wrong_choice_without_a_near_one_is_answered_with_the_list_once():
    with pytest.raises(UsageError) as refused:
        CHOICE.check("zzz")
    assert refused.value.message() == "amount is 'zzz'; at amount; allowed: one, two; give one of them"


def test_a_text_that_is_not_of_its_form_is_refused_as_a_value_is():
    def even(text: str) -> None:
        if len(text) % 2:
            raise UsageError("it is odd", where="amount", remedy="leave a letter out")

    p = make(str, "ab", reads=even)
    assert p.parse("abcd") == "abcd"
    with pytest.raises(UsageError, match="it is odd"):
        p.check("abc")


@pytest.mark.parametrize("p", [CHOICE, TEXT], ids=["choice", "text"])
def test_text_takes_text_alone(p):
    with pytest.raises(UsageError):
        p.check(1)


@pytest.mark.parametrize(("p", "size"), [(COLOR, 3), (POINT, 2)], ids=["color", "point"])
def test_components_are_checked_one_by_one(p, size):
    assert p.check([0] * size) == (0.0,) * size
    assert p.parse(",".join(["0.25"] * size)) == (0.25,) * size
    for wrong in ([0] * (size - 1), [0] * (size + 1), [9] * size, [*[0] * (size - 1), float("nan")], 0.5, "0"):
        with pytest.raises(UsageError):
            p.check(wrong)
    for wrong in ("0.25", "a,b,c", ",".join(["9"] * size), ""):
        with pytest.raises(UsageError):
            p.parse(wrong)


def test_a_refusal_names_the_parameter_the_value_the_range_and_the_remedy():
    with pytest.raises(UsageError) as caught:
        FLOAT.check(2.5)
    expected = "amount is 2.5; at amount; allowed: a number from -1 to 2; give a value in that range"
    assert caught.value.message() == expected
    with pytest.raises(UsageError, match="allowed: a whole number from 0 to 10"):
        INT.parse("many")


def test_the_unit_is_part_of_the_range():
    assert make(float, 100.0, lo=1, hi=1000, unit="nits").allowed() == "a number from 1 to 1000 nits"


@pytest.mark.parametrize(
    ("annotation", "default", "options", "complaint"),
    [
        (float, 0.5, {}, "needs lo < hi"),
        (float, 0.5, {"lo": 1, "hi": 1}, "needs lo < hi"),
        (float, 0.5, {"lo": 0, "hi": 1, "soft": (0, 2)}, "soft range"),
        (float, 0.5, {"lo": 0, "hi": 1, "hint": "short"}, "hint must be a sentence"),
        (str, "x", {"choices": {"a": "A", "b": "B"}}, "default must be one"),
        (str, "a", {"choices": {"a": "A"}}, "at least two choices"),
        (float, 0.5, {"lo": 0, "hi": 1, "since": 2}, "needs a legacy value"),
        (list, 0.5, {"lo": 0, "hi": 1}, "annotation"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(annotation, default, options, complaint):
    with pytest.raises(TypeError, match=complaint):
        param(default, **({"hint": HINT} | options)).named("amount", annotation)


def test_a_default_outside_the_limits_is_refused():
    with pytest.raises(UsageError, match="amount is 5"):
        make(float, 5.0, lo=0, hi=1)


def test_an_id_in_capitals_is_refused():
    with pytest.raises(TypeError, match="lower-case"):
        param(0.5, lo=0, hi=1, hint=HINT).named("Amount", float)


def test_label_and_animation_follow_from_the_declaration():
    assert param(0.5, lo=0, hi=1, hint=HINT).named("mid_grey", float).label == "Mid grey"
    assert FLOAT.animates
    assert not CHOICE.animates
    assert not TEXT.animates
    assert make(float, 0.5, lo=0, hi=1, animates=False).animates is False
