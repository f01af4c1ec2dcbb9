"""Nuke's knobs, with their habits."""

from __future__ import annotations

import itertools
import re


class Knob:
    def __init__(self, name: str, label: str = "") -> None:
        self._name, self._label, self._node = name, label or name, None
        self._value: object = ""
        self._flags: set[int] = set()

    def name(self) -> str:
        return self._name

    def label(self) -> str:
        return self._label

    def Class(self) -> str:
        return type(self).__name__

    def node(self) -> object:
        return self._node

    def value(self) -> object:
        return self._value

    def getValue(self, index: int = 0) -> object:
        return self._value

    def setValue(self, value: object, index: int = 0) -> bool:
        self._value = value
        return True

    def getEvaluatedValue(self) -> object:
        return self._value

    def isAnimated(self, index: int = -1) -> bool:
        return False

    def hasExpression(self, index: int = -1) -> bool:
        return False

    def setFlag(self, flag: int) -> None:
        self._flags.add(flag)


class String_Knob(Knob):
    def setValue(self, value: object, index: int = 0) -> bool:
        if not isinstance(value, str):
            raise TypeError("argument must be a str")
        self._value = value
        return True


class EvalString_Knob(String_Knob):
    def getEvaluatedValue(self) -> str:
        import nuke

        return nuke.tcl("subst", str(self._value))


class File_Knob(EvalString_Knob):
    def fromUserText(self, text: str) -> None:
        import nuke

        path, _, span = text.rpartition(" ")
        self._value = path or text
        found = re.fullmatch(r"(\d+)-(\d+)", span)
        if found:
            for name, value in (("first_frame", found[1]), ("last_frame", found[2])):
                nuke.root()[name].setValue(int(value))


class Array_Knob(Knob):
    """Numbers; keys by component. Curves are linear between keys."""

    def __init__(self, name: str, label: str = "", size: int = 1) -> None:
        super().__init__(name, label)
        self._size = size
        self._numbers = [0.0] * size
        self._keys: list[dict[float, float]] = [{} for _ in range(size)]
        self._animated = False

    def value(self) -> object:
        return self._numbers[0] if self._size == 1 else list(self._numbers)

    def getValue(self, index: int = 0) -> float:
        return self._numbers[index]

    def setValue(self, value: object, index: int | None = None) -> bool:
        if isinstance(value, str):
            raise TypeError("a float is required")
        if isinstance(value, (list, tuple)):
            self._numbers = [float(v) for v in value]
        elif index is None:
            self._numbers = [float(value)] * self._size
        else:
            self._numbers[index] = float(value)
        return True

    def setAnimated(self, index: int = -1) -> bool:
        self._animated = True
        return True

    def isAnimated(self, index: int = -1) -> bool:
        return self._animated

    def setValueAt(self, value: float, time: float, index: int = 0) -> bool:
        self._animated = True
        self._keys[index][float(time)] = float(value)
        return True

    def getValueAt(self, time: float, index: int = 0) -> float:
        keys = sorted(self._keys[index].items())
        if not keys:
            return self._numbers[index]
        if time <= keys[0][0]:
            return keys[0][1]
        for (t0, v0), (t1, v1) in itertools.pairwise(keys):
            if time <= t1:
                return v0 + (v1 - v0) * (time - t0) / (t1 - t0)
        return keys[-1][1]


class Double_Knob(Array_Knob):
    pass


class Int_Knob(Array_Knob):
    def value(self) -> int:
        return int(self._numbers[0])


class Boolean_Knob(Array_Knob):
    def value(self) -> bool:
        return bool(self._numbers[0])


class Enumeration_Knob(Knob):
    def __init__(self, name: str, label: str, values: list[str]) -> None:
        super().__init__(name, label)
        self._values, self._index, self._default = list(values), 0, ""

    def values(self) -> list[str]:
        return list(self._values)

    def _plain(self) -> list[str]:
        return [v.partition("\t")[0] for v in self._values]

    def value(self) -> str:
        return self._default or self._plain()[self._index]

    def getValue(self, index: int = 0) -> float:
        return float(self._index)

    def getValueAt(self, time: float, index: int = 0) -> float:
        return float(self._index)

    def setValue(self, value: object, index: int = 0) -> bool:
        if isinstance(value, str):
            if value not in self._plain():
                return False
            self._index = self._plain().index(value)
        else:
            if not 0 <= int(value) < len(self._values):
                return False
            self._index = int(value)
        self._default = ""
        return True


class Tab_Knob(Knob):
    pass


class Link_Knob(Knob):
    def makeLink(self, node: str, knob: str) -> None:
        self._value = f"{node}.{knob}"

    def getLink(self) -> object:
        return self._value


class PyScript_Knob(String_Knob):
    pass
