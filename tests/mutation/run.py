"""Plant each small fault of `mutants.toml` in a copy of the tree, and say which test finds it.

    python tests/mutation/run.py                    # all of them
    python tests/mutation/run.py sampling 2T2R      # those whose name or file contains a word
    python tests/mutation/run.py --open             # those that no test has found so far

What was found is written to `results.csv` beside this file, where the rows of mutants that were
not run stay as they are. The working tree is never changed.
"""

from __future__ import annotations

import argparse
import ast
import csv
import multiprocessing
import os
import queue
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
LIST, RESULTS = HERE / "mutants.toml", HERE / "results.csv"

FOUND, SURVIVED, TOO_LONG = "found", "survived", "not finished in time"
_PASSED, _FAILED, _BROKEN = 0, 1, 2
"""What pytest exits with; 2 where a module cannot be imported any more."""
_SUMMARY = re.compile(r"^(?:FAILED|ERROR) (tests/.*?)(?: - .*)?$", re.MULTILINE)
_NOT_COPIED = (".git", ".venv*", ".hypothesis", ".*_cache", "site", "rramsim-results", "dist")
_LOADED_ONCE = ("numba", "scipy.stats", "xarray", "pandas", "torch")
"""What takes longer to load than the tests of a mutant take: each process is forked with it."""


@dataclass(frozen=True)
class Mutant:
    """A small fault: where it is planted, and the tests that are to find it."""

    name: str
    file: str
    text: str
    instead: str
    tests: tuple[str, ...]

    def planted(self, source: str) -> str:
        """Return the source with the fault; the text must stand in it once."""
        count = source.count(self.text)
        if count != 1:
            raise ValueError(
                f"mutant {self.name!r}: its text stands {count} times in {self.file}, so "
                f"{LIST.relative_to(ROOT)} is out of date. Give it the text that does now what "
                "this one did, or another fault, and run it."
            )
        return source.replace(self.text, self.instead)


@dataclass(frozen=True)
class Result:
    """Whether a mutant was found, and by which test (the first that failed)."""

    name: str
    outcome: str
    test: str


def mutants() -> list[Mutant]:
    """Return the mutants of the list."""
    listed = tomllib.loads(LIST.read_text(encoding="utf-8"))["mutant"]
    return [Mutant(**{**one, "tests": tuple(one["tests"])}) for one in listed]


def read_results() -> dict[str, Result]:
    """Return what was found before, by mutant."""
    if not RESULTS.exists():
        return {}
    with RESULTS.open(encoding="utf-8", newline="") as opened:
        return {row["name"]: Result(**row) for row in csv.DictReader(opened)}


def write_results(results: dict[str, Result]) -> None:
    """Write a row for each mutant of the list that was run, in its order."""
    with RESULTS.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(field.name for field in fields(Result))
        writer.writerows(astuple(results[one.name]) for one in mutants() if one.name in results)


class Copy:
    """A copy of the tree, in which one mutant after the other is planted."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "tree"
        # With the times of the files, so that compiled code is found again.
        shutil.copytree(ROOT, self.root, ignore=shutil.ignore_patterns(*_NOT_COPIED))
        self.steps = 0

    def run(self, mutant: Mutant, *, limit: float) -> Result:
        """Plant a mutant, run its tests, and take it out again."""
        path = self.root / mutant.file
        source, state = path.read_text(encoding="utf-8"), path.stat()
        path.write_text(mutant.planted(source), encoding="utf-8")
        # Python and numba know a file by its size and the second of its last change.
        self.steps += 1
        os.utime(path, (state.st_atime, int(state.st_mtime) + self.steps))
        try:
            code, text = self.pytest(mutant.tests, limit=limit)
        finally:
            path.write_text(source, encoding="utf-8")
            os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
        if code is None:
            return Result(mutant.name, TOO_LONG, "")
        if code == _PASSED:
            return Result(mutant.name, SURVIVED, "")
        named = _SUMMARY.search(text)
        if code not in (_FAILED, _BROKEN) or named is None:
            raise RuntimeError(f"{mutant.name}: pytest did not run ({code}).\n{text}")
        return Result(mutant.name, FOUND, named[1])

    def pytest(self, tests: Sequence[str], *, limit: float | None = None) -> tuple[int | None, str]:
        """Return the exit code of pytest, None where it took too long, and what it printed."""
        output = self.root.parent / "output.txt"
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(_LOADED_ONCE))
        process = context.Process(target=_pytest, args=(self.root, tests, output))
        process.start()
        process.join(limit)
        if process.exitcode is None:
            process.kill()
            process.join()
            return None, ""
        return process.exitcode, output.read_text(encoding="utf-8")


def _pytest(root: Path, tests: Sequence[str], output: Path) -> None:
    """Run tests on a copy up to the first that fails, the same way every time."""
    with output.open("wb") as opened:
        for stream in (1, 2):
            os.dup2(opened.fileno(), stream)
    os.chdir(root)
    sys.path.insert(0, str(root))
    os.environ |= {"PYTHONPATH": str(root), "COLUMNS": "400"}
    # Compiled modules are kept from one mutant to the next.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    import pytest

    options = ("-q", "-x", "-n0", "-rfE", "-p", "no:cacheprovider", "--hypothesis-seed=1")
    code = int(pytest.main([*options, *tests], plugins=[_SlowLast()]))
    sys.stdout.flush()
    os._exit(code)


class _SlowLast:
    """A plugin of pytest: most faults are found by a test that is not slow."""

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items.sort(key=lambda item: item.get_closest_marker("slow") is not None)


def run_all(chosen: Sequence[Mutant], *, copies: int, limit: float) -> Iterator[Result]:
    """Yield the result of each mutant, some at a time, in the order of the list."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(copies) as pool:
        free: queue.SimpleQueue[Copy] = queue.SimpleQueue()
        for number in range(copies):
            free.put(Copy(Path(folder) / str(number)))

        def work(mutant: Mutant) -> Result:
            copy = free.get()
            try:
                return copy.run(mutant, limit=limit)
            finally:
                free.put(copy)

        finders = set()
        for result in pool.map(work, chosen):
            yield result
            finders |= {result.test} - {""}
        _check_without_a_fault(free.get(), sorted(finders))


def _check_without_a_fault(copy: Copy, finders: Sequence[str]) -> None:
    """Raise unless what found the mutants passes without them."""
    if not finders:
        return
    code, text = copy.pytest(finders)
    if code != _PASSED:
        raise RuntimeError(f"A test fails without a mutant, too:\n{text}")


def main() -> int:
    """Run the mutants that are asked for; 1 where one was not found."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("words", nargs="*", help="of the names or files of mutants; default: all")
    parser.add_argument("--copies", type=int, default=1, help="copies worked on at once")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds for a mutant's tests")
    parser.add_argument("--open", action="store_true", help="what no test has found so far")
    asked = parser.parse_args()
    results = read_results()
    chosen = [
        one
        for one in mutants()
        if (not asked.words or any(word in f"{one.name} {one.file}" for word in asked.words))
        and not (asked.open and one.name in results and results[one.name].outcome == FOUND)
    ]
    for one in chosen:
        # A fault that no one can import would be found by every test.
        ast.parse(one.planted((ROOT / one.file).read_text(encoding="utf-8")), one.file)
    left = 0
    for result in run_all(chosen, copies=asked.copies, limit=asked.limit):
        print(f"{result.outcome}: {result.name}", result.test, sep="\n    ", flush=True)
        results[result.name] = result
        left += result.outcome != FOUND
        write_results(results)
    print(f"{len(chosen) - left} of {len(chosen)} found")
    return int(left > 0)


if __name__ == "__main__":
    sys.exit(main())
