"""What the processor can do at most: XOR, popcount and add on registers alone."""

from __future__ import annotations

import time
from typing import Any

import numba as nb
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from rramsim.parallel import cores, share

LANES = 8
"""64-bit words of a vector; LLVM splits it where the processor's are narrower."""

_SUMS = 16
_OPERANDS = 4
_WORD = ir.IntType(64)
_VECTOR = ir.VectorType(_WORD, LANES)


@intrinsic
def _triples(typing: Any, rounds: Any, seed: Any) -> Any:
    """Do `rounds` times 16 triples of one XOR, one popcount and one addition of vectors.

    Each sum is an operand of its own next XOR: so no triple can be left out or done once for
    all, and with 16 chains side by side none has to wait for another.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        rounds, seed = args
        start = [_spread(builder, builder.add(seed, _constant(k))) for k in range(_SUMS)]
        operands = [_spread(builder, builder.mul(seed, _constant(k + 3))) for k in range(_OPERANDS)]
        before, loop = builder.block, builder.append_basic_block("loop")
        after = builder.append_basic_block("after")
        builder.branch(loop)
        builder.position_at_end(loop)
        step = builder.phi(_WORD)
        step.add_incoming(_constant(0), before)
        sums = [builder.phi(_VECTOR) for _ in range(_SUMS)]
        added = []
        for k, sum_ in enumerate(sums):
            sum_.add_incoming(start[k], before)
            count = _popcount(builder, builder.xor(sum_, operands[k % _OPERANDS]))
            added.append(builder.add(sum_, count))
        following = builder.add(step, _constant(1))
        for sum_, result in zip(sums, added, strict=True):
            sum_.add_incoming(result, loop)
        step.add_incoming(following, loop)
        builder.cbranch(builder.icmp_signed("<", following, rounds), loop, after)
        builder.position_at_end(after)
        total = added[0]
        for result in added[1:]:
            total = builder.add(total, result)
        return builder.extract_element(total, ir.Constant(ir.IntType(32), 0))

    return types.int64(types.int64, types.int64), generate


def _constant(value: int) -> Any:
    return ir.Constant(_WORD, value)


def _spread(builder: Any, word: Any) -> Any:
    zero = ir.Constant(ir.IntType(32), 0)
    one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), word, zero)
    order = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(one, ir.Constant(_VECTOR, ir.Undefined), order)


def _popcount(builder: Any, vector: Any) -> Any:
    # llvmlite's declare_intrinsic cannot name a vector type.
    name = f"llvm.ctpop.v{LANES}i64"
    function = builder.module.globals.get(name)
    if function is None:
        function = ir.Function(builder.module, ir.FunctionType(_VECTOR, [_VECTOR]), name)
    return builder.call(function, [vector])


# An intrinsic is called without its first parameter, which a type checker cannot know.
_do: Any = _triples


@nb.njit("int64(int64, int64)", nogil=True, cache=True)
def limit_loop(rounds: int, seed: int) -> int:
    """Do `rounds` times 16 triples, and return the sum of the sums of one lane."""
    return int(_do(rounds, seed))


def triples_per_second(*, repeats: int, rounds: int = 2_000_000) -> float:
    """Return the triples of 8-word vectors that all cores together do in a second, at best."""
    parts = list(range(cores()))
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        share(lambda part: limit_loop(rounds, part), parts)
        times.append(time.perf_counter() - begin)
    return len(parts) * rounds * _SUMS / min(times)
