"""Nuke's window as far as scripts see it: progress bars, menus, panels, messages."""

from __future__ import annotations

import os
from typing import ClassVar

messages: list[str] = []


def is_gui() -> bool:
    return os.environ.get("FAKE_NUKE_GUI") == "1"


class ProgressTask:
    instances: ClassVar[list[ProgressTask]] = []

    def __init__(self, title: str) -> None:
        self.title, self.progress, self.messages, self.cancel_at = title, 0, [], os.environ.get("FAKE_NUKE_CANCEL_AT")
        ProgressTask.instances.append(self)

    def setProgress(self, percent: int) -> None:
        if type(percent) is not int:
            raise TypeError("an integer is required")
        self.progress = percent

    def setMessage(self, text: str) -> None:
        self.messages.append(text)

    def isCancelled(self) -> bool:
        return self.cancel_at is not None and len(self.messages) >= int(self.cancel_at)


class Menu:
    def __init__(self, name: str) -> None:
        self._name, self.items = name, {}

    def name(self) -> str:
        return self._name

    def addMenu(self, name: str, icon: str = "", index: int = -1) -> Menu:
        return self.items.setdefault(name, Menu(name))

    def addCommand(
        self, name: str, command: object = None, shortcut: str = "", icon: str = "", index: int = -1
    ) -> None:
        head, _, tail = name.partition("/")
        if tail:
            self.addMenu(head).addCommand(tail, command)
        else:
            self.items[name] = command

    def addSeparator(self) -> None:
        pass

    def findItem(self, name: str) -> object:
        return self.items.get(name)


_menus: dict[str, Menu] = {}


def menu(name: str) -> Menu:
    if not is_gui():
        raise RuntimeError("menu() is not available in terminal mode")
    return _menus.setdefault(name, Menu(name))


class Panel:
    answers: ClassVar[dict[str, str]] = {}

    def __init__(self, title: str) -> None:
        if not is_gui():
            raise RuntimeError("Panel is not available in terminal mode")
        self._values: dict[str, str] = {}

    def _add(self, name: str, value: str) -> None:
        self._values[name] = Panel.answers.get(name, value)

    def addFilenameSearch(self, name: str, value: str) -> None:
        self._add(name, value)

    def addSingleLineInput(self, name: str, value: str) -> None:
        self._add(name, value)

    def addEnumerationPulldown(self, name: str, values: str) -> None:
        self._add(name, values.split()[0])

    def show(self) -> int:
        return 0 if Panel.answers.get("show") == "0" else 1

    def value(self, name: str) -> str:
        return self._values[name]


def message(text: str) -> None:
    messages.append(text)


def executeInMainThread(call: object, args: object = (), kwargs: object = None) -> None:
    call(*args, **(kwargs or {}))
