"""``wetgate render --engine dask``: chunks of frames on the workers of a Dask cluster that is already there.

A chunk goes to one worker, and a worker has one at a time, so that nothing piles up in the scheduler. What a worker
says about its frames is not believed: the file of each is read from the shared folder and compared, byte by byte, with
the worker's account of it (:mod:`wetgate.engine.account`) before it counts; where there is no account, or it does not
fit, the frame is decoded and compared with its source. A chunk whose worker is lost goes to another; one that loses
workers again is halved, until the frame that does it stands alone.
"""

from __future__ import annotations

import queue
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from wetgate.engine.account import Account
from wetgate.engine.job import Take
from wetgate.engine.pipeline import Abort, cores
from wetgate.io.ranges import format_frames
from wetgate.spec import UsageError, WetgateError, WorkerError
from wetgate.surfaces.farm import cluster_worker
from wetgate.surfaces.farm.tasks import Done

CONNECTS_WITHIN_S = 15.0
_LOOK_EVERY_S = 1.0
_STOPS_WITHIN_S = 30.0
# So long the render waits for a worker to come (back) before it gives its frames up.
NOBODY_S = 120.0
# A frame that was the only one of its chunk, and whose worker was lost so often, is taken to be the reason.
_LOSSES = 2


@dataclass(frozen=True, slots=True)
class Request:
    """What every chunk has in common: the arguments of the render and where its masks are, as the workers see them."""

    values: Mapping[str, Any]
    moved: Mapping[str, str]


Accounts = Mapping[int, Account]


class _Taken(Protocol):
    def __call__(self, wanted: Sequence[int], told: Accounts | None = None) -> dict[int, str]: ...


@dataclass(slots=True)
class _Chunk:
    numbers: tuple[int, ...]
    tries: int = 0
    losses: int = 0
    token: str = field(default_factory=lambda: uuid.uuid4().hex)
    worker: str = ""
    future: Any = None


class Cluster:
    """A connection to a scheduler, whose workers are known to be like this process."""

    def __init__(self, address: str, resources: Mapping[str, float], say: Callable[[str], None]) -> None:
        import distributed

        self._say = say
        self._resources = dict(resources)
        self._fit: set[str] = set()
        self._unfit: set[str] = set()
        try:
            # Dask is typed in part.
            connect: Any = distributed.Client
            self._client: Any = connect(address, timeout=CONNECTS_WITHIN_S, set_as_default=False)
        except (OSError, TimeoutError) as error:
            raise UsageError(
                f"no Dask scheduler answers at {address}: {error}",
                where="--scheduler",
                remedy="start one with dask scheduler, and give the address that it prints",
            ) from None
        except (ValueError, TypeError) as error:
            raise UsageError(
                f"{address!r} is no address of a scheduler: {error}", where="--scheduler", allowed="tcp://host:8786"
            ) from None

    def close(self) -> None:
        """Leave the cluster; its workers stay."""
        with suppress(Exception):
            self._client.close(timeout=5)

    def demand_workers(self, paths: Sequence[str]) -> None:
        """Raise unless there are workers with the wanted resources, all like this process, that see these paths."""
        if not self._offered():
            wanted = f" that offers {_listed(self._resources)}" if self._resources else ""
            raise UsageError(
                f"the scheduler has no worker{wanted}",
                where="--scheduler",
                remedy="start one: dask worker ADDRESS" + "".join(f" --resources {k}={v:g}" for k, v in _items(self)),
            )
        problems: list[WetgateError] = list(self._examine(self._offered()).values())
        if not problems:
            for worker, missing in self._run(cluster_worker.sees, list(self._fit), list(paths)).items():
                if isinstance(missing, list) and missing:
                    problems.append(
                        UsageError(
                            f"worker {worker} does not see {', '.join(missing)}",
                            where="--scheduler",
                            remedy="share the folders under the same paths on every machine",
                        )
                    )
        if problems:
            from wetgate.spec import raise_all

            raise_all(problems)

    def fit(self) -> set[str]:
        """The workers that may be given work now. One that joined and is unlike this process is told of and left."""
        offered = self._offered()
        for worker, error in self._examine([w for w in offered if w not in self._fit | self._unfit]).items():
            self._unfit.add(worker)
            self._say(f"{error.message()}: it is given no work")
        return {worker for worker in offered if worker in self._fit}

    def present(self) -> set[str]:
        """The workers that the scheduler knows."""
        return set(self._client.scheduler_info(n_workers=-1)["workers"])

    def submit(self, chunk: _Chunk, kind: str, request: Request, done: Callable[[_Chunk], None]) -> None:
        """Give a chunk to its worker."""
        values = {**request.values, "frames": format_frames(chunk.numbers)} if chunk.numbers else request.values
        chunk.future = self._client.submit(
            cluster_worker.task,
            chunk.token,
            kind,
            values,
            request.moved,
            key=f"wetgate-{chunk.token}",
            workers=[chunk.worker],
            allow_other_workers=False,
            resources=self._resources or None,
            retries=0,
            pure=False,
        )
        chunk.future.add_done_callback(lambda _: done(chunk))

    def withdraw(self, chunks: Sequence[_Chunk], told: bool) -> None:
        """Have chunks ended where they are worked, and forgotten by the scheduler."""
        with suppress(Exception):
            if told:
                tokens = [chunk.token for chunk in chunks]
                here = list(self.present() & {chunk.worker for chunk in chunks})
                self._client.run(cluster_worker.cancel, tokens, workers=here, on_error="ignore")
                until = time.monotonic() + _STOPS_WITHIN_S
                while time.monotonic() < until and not all(c.future.done() for c in chunks if c.worker in here):
                    time.sleep(0.05)
            self._client.cancel([chunk.future for chunk in chunks if chunk.future is not None], force=True)

    def _offered(self) -> list[str]:
        workers = self._client.scheduler_info(n_workers=-1)["workers"]
        return [
            address
            for address, info in workers.items()
            if all(info.get("resources", {}).get(name, 0) >= amount for name, amount in self._resources.items())
        ]

    def _examine(self, workers: Sequence[str]) -> dict[str, WetgateError]:
        """Which of some workers are unlike this process, and in what."""
        if not workers:
            return {}
        mine = cluster_worker.identity()
        unlike: dict[str, WetgateError] = {}
        for worker, theirs in self._run(cluster_worker.identity, workers).items():
            if isinstance(theirs, BaseException):
                unlike[worker] = WorkerError(
                    f"worker {worker} cannot be asked for its version: {type(theirs).__name__} {theirs}",
                    remedy="install the same wetgate there",
                )
                continue
            different = [f"{k} {theirs.get(k, 'none')} (here {mine[k]})" for k in mine if theirs.get(k) != mine[k]]
            if different:
                unlike[worker] = WorkerError(
                    f"worker {worker} has {', '.join(different)}", remedy="install the same versions on every machine"
                )
            else:
                self._fit.add(worker)
        return unlike

    def _run(self, function: Callable[..., Any], workers: Sequence[str], *arguments: Any) -> dict[str, Any]:
        found = self._client.run(function, *arguments, workers=list(workers), on_error="return")
        return dict(found)


class DaskEngine:
    """An :class:`~wetgate.engine.job.Elsewhere` on a cluster."""

    def __init__(
        self, cluster: Cluster, request: Request, chunk: int, retries: int, resume: bool, say: Callable[[str], None]
    ) -> None:
        self._cluster = cluster
        self._request = request
        self._length = chunk
        self._retries = retries
        self._resume = resume
        self._say = say
        self._ended: queue.SimpleQueue[_Chunk] = queue.SimpleQueue()

    def analyse(self, abort: Abort) -> None:
        """Have one worker run the whole-shot passes, whose documents it leaves beside the output."""
        for _ in range(1 + self._retries):
            chunk = _Chunk((), worker=self._somebody(abort))
            self._cluster.submit(chunk, "analyze", self._request, self._ended.put)
            done = self._outcome(self._wait(chunk, abort))
            if done is None or done.exit_code == 130:
                self._say(f"worker {chunk.worker} was lost in the analysis")
                continue
            if done.error:
                raise WorkerError(f"the analysis failed on {chunk.worker}: {done.error}")
            return
        raise WorkerError("the analysis lost its worker again and again", remedy="see the workers' logs")

    def __call__(self, numbers: Sequence[int], analyses: Sequence[str], take: Take, abort: Abort) -> Mapping[int, str]:
        with ThreadPoolExecutor(cores(), thread_name_prefix="wetgate-verify") as pool:

            def taken(wanted: Sequence[int], told: Accounts | None = None, kept: bool = False) -> dict[int, str]:
                """The frames that do not verify, and why."""

                def one(number: int) -> WetgateError | None:
                    return take(number, kept=kept, account=(told or {}).get(number))

                found = zip(wanted, pool.map(one, wanted), strict=True)
                return {n: error.message() for n, error in found if error is not None}

            left = list(taken(numbers, kept=True)) if self._resume else list(numbers)
            return self._all(_cut(left, self._length), taken, abort)

    def _all(self, chunks: Sequence[_Chunk], taken: _Taken, abort: Abort) -> dict[int, str]:
        waiting, running, failed = deque(chunks), dict[str, _Chunk](), dict[int, str]()
        looked, alone_since = 0.0, time.monotonic()
        fit: set[str] = set()
        try:
            while waiting or running:
                abort.check()
                if time.monotonic() - looked > _LOOK_EVERY_S:
                    looked, fit = time.monotonic(), self._cluster.fit()
                    for worker in set(running) - self._cluster.present():
                        chunk = running.pop(worker)
                        self._cluster.withdraw([chunk], told=False)
                        self._lost(chunk, waiting, failed, taken)
                    alone_since = time.monotonic() if fit else alone_since
                    if not fit and time.monotonic() - alone_since > NOBODY_S:
                        rest = [n for c in waiting for n in c.numbers]
                        return failed | dict.fromkeys(rest, f"no worker was there for {NOBODY_S:.0f} s")
                for worker in sorted(fit - set(running)):
                    self._give(worker, waiting, running)
                try:
                    chunk = self._ended.get(timeout=0.1)
                except queue.Empty:
                    continue
                if running.get(chunk.worker) is not chunk:
                    continue  # given up before
                del running[chunk.worker]
                # Its worker goes on while the frames are looked at.
                self._give(chunk.worker, waiting, running)
                self._settle(chunk, waiting, failed, taken)
            return failed
        except BaseException:
            self._cluster.withdraw(list(running.values()), told=True)
            raise

    def _give(self, worker: str, waiting: deque[_Chunk], running: dict[str, _Chunk]) -> None:
        """The next chunk for a worker that has none."""
        if waiting:
            chunk = waiting.popleft()
            chunk.worker = worker
            running[worker] = chunk
            self._cluster.submit(chunk, "chunk", self._request, self._ended.put)

    def _settle(self, chunk: _Chunk, waiting: deque[_Chunk], failed: dict[int, str], taken: _Taken) -> None:
        """A chunk has ended, one way or another."""
        done = self._outcome(chunk)
        if done is None:
            looked = chunk.worker in self._cluster.present()
            self._say(f"frames {format_frames(chunk.numbers)} ended without an answer from {chunk.worker}" * looked)
            self._lost(chunk, waiting, failed, taken)
            return
        if done.error and done.exit_code not in (130, 3):
            raise WorkerError(f"worker {chunk.worker} refuses the job: {done.error}")
        missing = taken(chunk.numbers, {a.entry["frame"]: a for a in (Account(**told) for told in done.accounts)})
        said = done.failed or {}
        if not missing:
            return
        if chunk.tries < self._retries:
            self._say(f"frames {format_frames(missing)} failed on {chunk.worker} and are tried again")
            waiting.append(_Chunk(tuple(missing), chunk.tries + 1, chunk.losses))
        else:
            failed.update({n: said.get(str(n), why) for n, why in missing.items()})

    def _lost(self, chunk: _Chunk, waiting: deque[_Chunk], failed: dict[int, str], taken: _Taken) -> None:
        """The worker of a chunk is gone: what it had finished counts, the rest goes elsewhere."""
        missing = tuple(taken(chunk.numbers))
        losses = chunk.losses + 1
        self._say(
            f"worker {chunk.worker} was lost at frames {format_frames(chunk.numbers)}; {len(missing)} go elsewhere"
        )
        if len(missing) == 1 and losses > _LOSSES:
            failed[missing[0]] = f"frame {missing[0]}: {losses} workers were lost at it; see their logs and memory"
        elif losses >= _LOSSES and len(missing) > 1:
            half = len(missing) // 2
            waiting.extend(_Chunk(part, chunk.tries, losses - 1) for part in (missing[:half], missing[half:]))
        elif missing:
            waiting.append(_Chunk(missing, chunk.tries, losses))

    def _outcome(self, chunk: _Chunk) -> Done | None:
        """What a chunk's worker says, or None where it is not there to say anything."""
        try:
            if chunk.future.status != "finished":
                error = chunk.future.exception(timeout=1) if chunk.future.status == "error" else None
                if error is not None:
                    self._say(f"worker {chunk.worker}: {type(error).__name__}: {error}")
                return None
            return Done(**chunk.future.result(timeout=10))
        except Exception as error:
            self._say(f"worker {chunk.worker}: {type(error).__name__}: {error}")
            return None

    def _somebody(self, abort: Abort) -> str:
        until = time.monotonic() + NOBODY_S
        while time.monotonic() < until:
            abort.check()
            if fit := self._cluster.fit():
                return min(fit)
            time.sleep(_LOOK_EVERY_S)
        raise WorkerError(f"no worker was there for {NOBODY_S:.0f} s", where="--scheduler")

    def _wait(self, chunk: _Chunk, abort: Abort) -> _Chunk:
        while True:
            try:
                abort.check()
                return self._ended.get(timeout=_LOOK_EVERY_S)
            except queue.Empty:
                if chunk.worker not in self._cluster.present():
                    self._cluster.withdraw([chunk], told=False)
                    return chunk
            except BaseException:
                self._cluster.withdraw([chunk], told=True)
                raise


def _cut(numbers: Sequence[int], length: int) -> list[_Chunk]:
    return [_Chunk(tuple(numbers[at : at + length])) for at in range(0, len(numbers), length)]


def _listed(resources: Mapping[str, float]) -> str:
    return ", ".join(f"{name}={amount:g}" for name, amount in resources.items())


def _items(cluster: Cluster) -> Sequence[tuple[str, float]]:
    return list(cluster._resources.items())
