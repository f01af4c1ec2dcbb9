"""Pictures as the shots of one reel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wetgate.spec import DENSITY, Frame, Image


class Reel:
    """Pictures of density, numbered from 1001, each a shot of its own (:class:`wetgate.spec.Shot`)."""

    def __init__(self, pictures: Sequence[Image]) -> None:
        self._frames = {1001 + i: Frame(p, DENSITY, number=1001 + i) for i, p in enumerate(pictures)}
        self.numbers = tuple(self._frames)
        self.cuts = self.numbers[1:]

    def __getitem__(self, number: int) -> Frame:
        return self._frames[number]

    def __iter__(self) -> Iterator[Frame]:
        return iter(self._frames.values())

    def __len__(self) -> int:
        return len(self._frames)
