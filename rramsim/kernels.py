"""Functions compiled to machine code, once for each computer.

numba is loaded with this module: only files of kernels import it, and they are imported where a
kernel is about to be used.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, update_wrapper
from typing import Any, NamedTuple, TypeVar, cast

import numba as nb
from llvmlite import ir
from numba.core import types
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target
from numba.extending import intrinsic

Function = TypeVar("Function", bound=Callable[..., object])


def kernel(signature: str) -> Callable[[Function], Function]:
    """Compile a function for one signature of numba; it runs without the interpreter's lock.

    It is compiled at its first call, since a command calls a few of the kernels that it loads. The
    machine code is kept beside the function's file, or in the user's cache folder, or in
    ``NUMBA_CACHE_DIR``, and found there by later processes. Where none of them can be written to,
    every process compiles anew.
    """

    def later(function: Function) -> Function:
        return cast(Function, _Kernel(function, signature))

    return later


class _Kernel:
    """A function that is compiled when it is called first."""

    def __init__(self, function: Callable[..., object], signature: str) -> None:
        update_wrapper(self, function)
        self._function = function
        self._signature = signature
        self._compiled: Any = None

    def __call__(self, *args: object) -> object:
        compiled = self._compiled or self.ready()
        return compiled(*args)

    def __reduce__(self) -> str:
        """Let what holds kernels be copied, and sent to other processes, by their names."""
        return self._function.__qualname__

    @property
    def _numba_type_(self) -> Any:
        """Let other kernels call this one: numba asks for it where it compiles them."""
        return types.Dispatcher(self.ready())

    def ready(self) -> Any:
        """Return the compiled function, as numba has it."""
        # Threads that take parts of one layer come here at the same time. They wait for numba's own
        # lock: one that compiled a kernel that calls this one, and waited for a lock of this one,
        # would hold it.
        with global_compiler_lock:
            if self._compiled is None:
                self._compiled = self._compile()
            return self._compiled

    def _compile(self) -> Any:
        try:
            return _jit(self._function, self._signature, cache=True)
        except RuntimeError:
            # There is no place for a cache; any other trouble comes up again without one.
            return _jit(self._function, self._signature, cache=False)


def _jit(function: Callable[..., object], signature: str, *, cache: bool) -> Any:
    return nb.njit(signature, nogil=True, cache=cache)(function)


class Processor(NamedTuple):
    """What kernels are compiled for: a name and features, as LLVM calls them."""

    name: str
    features: frozenset[str]


@cache
def processor() -> Processor:
    """Return this processor, or the one that ``NUMBA_CPU_NAME`` and ``..._FEATURES`` name."""
    _, name, features = cpu_target.target_context.codegen().magic_tuple()
    listed = features.split(",")
    return Processor(name, frozenset(one[1:] for one in listed if one.startswith("+")))


def call_llvm(builder: Any, name: str, result: Any, arguments: list[Any]) -> Any:
    """Emit a call of an LLVM function by its whole name.

    llvmlite's declare_intrinsic cannot name a vector type, nor what is of one kind of processor.
    Like `splat`, `loop` and `lowest_bit` it may be shared by files of kernels, whose cache would
    not notice a change, since it has none to expect.
    """
    function = builder.module.globals.get(name)
    if function is None:
        kind = ir.FunctionType(result, [argument.type for argument in arguments])
        function = ir.Function(builder.module, kind, name)
    return builder.call(function, arguments)


def splat(builder: Any, value: Any, vector: Any) -> Any:
    """Emit a vector that holds a value in every lane."""
    place = ir.IntType(32)
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(place, 0))
    order = ir.Constant(ir.VectorType(place, vector.count), [0] * vector.count)
    return builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), order)


def loop(builder: Any, count: Any, carried: list[Any], body: Any) -> list[Any]:
    """Emit ``for step in range(count)`` (count > 0), and return what the last step carries on.

    Parameters
    ----------
    builder : IRBuilder
    count : value
        Of 64 bits.
    carried : list of values
        What the first step is given.
    body : callable
        Emits a step from its number and what the step before carries on; returns the same for
        the next.
    """
    word = ir.IntType(64)
    before, start = builder.block, builder.append_basic_block("loop")
    builder.branch(start)
    builder.position_at_end(start)
    step = builder.phi(word)
    step.add_incoming(ir.Constant(word, 0), before)
    phis = []
    for value in carried:
        phi = builder.phi(value.type)
        phi.add_incoming(value, before)
        phis.append(phi)
    results = body(step, phis)
    following = builder.add(step, ir.Constant(word, 1))
    end, done = builder.block, builder.append_basic_block("done")
    step.add_incoming(following, end)
    for phi, result in zip(phis, results, strict=True):
        phi.add_incoming(result, end)
    builder.cbranch(builder.icmp_signed("<", following, count), start, done)
    builder.position_at_end(done)
    return list(results)


@nb.njit(inline="always")
def copy_row(source: Any, target: Any) -> None:
    """Copy one row of numbers into another in a kernel.

    A slice that takes an array does the same, but for it numba compiles sentences about shapes that
    do not fit, which takes seconds. Like `lowest_bit` it may be shared by files of kernels.
    """
    for place in range(source.size):
        target[place] = source[place]


@intrinsic
def _trailing_zeros(typing: Any, word: Any) -> Any:
    """Return the place of the lowest set bit of a word other than 0."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), generate


@intrinsic
def _population_count(typing: Any, word: Any) -> Any:
    """Return how many bits of a word are set."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.int64(types.uint64), generate


# An intrinsic is called without its first parameter, which a type checker cannot know.
lowest_bit: Any = _trailing_zeros
"""The place of the lowest set bit of a word other than 0, in kernels.

It may be shared by files of kernels, whose cache would not notice a change, since it has none to
expect.
"""

bit_count: Any = _population_count
"""How many bits of a word are set, in kernels; shared as `lowest_bit` is."""
