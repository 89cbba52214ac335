"""What the processor can do at most: the operations of a unit on registers alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Any

import numba as nb
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from rramsim.kernels import call_llvm, loop, processor, splat
from rramsim.parallel import cores, share

LANES = 8
"""64-bit words of a vector; LLVM splits it where the processor's are narrower."""

_HAS_WIDE_PRODUCTS = "avx512vnni" in processor().features

PRODUCTS = {
    "popcount": 64,
    "shuffle": 64,
    "lookup": 160,
    "vnni": 64 if _HAS_WIDE_PRODUCTS else 32,
    "amx": 16 * 16 * 64,
}
"""Multiplications of a weight by a pixel of 8 bits for each operation of a unit (for popcount, a
triple of XOR, popcount and addition; for shuffle and lookup, a permutation and an addition; for
amx, a product of tiles)."""

SIGN_PRODUCTS = {"popcount": 64 * LANES, "shuffle": 768, "amx": 16 * 16 * 64}
"""Multiplications of a weight by a sign for each operation of a unit (for shuffle, what three
permutations need)."""

_SUMS = 16 if "avx512f" in processor().features else 8
"""Chains side by side, none of which leaves the registers (popcount's do on AVX2)."""

_OPERANDS = 4
_WORD = ir.IntType(64)
_VECTOR = ir.VectorType(_WORD, LANES)
_INTS = ir.IntType(32)
_HALF = ir.VectorType(_WORD, 4)
_OCTETS = ir.VectorType(ir.IntType(8), 32)


def _repeated(operation: Callable[[Any, Any, Any], Any], vector: Any = _VECTOR) -> Any:
    """Return what emits `rounds` times `_SUMS` operations, each on a sum and an operand.

    Each sum is an operand of its own next operation: so none can be left out or done once for
    all, and with so many chains side by side none has to wait for another.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        rounds, seed = args
        start = [splat(builder, builder.add(seed, _constant(k)), vector) for k in range(_SUMS)]
        operands = [
            splat(builder, builder.mul(seed, _constant(k + 3)), vector) for k in range(_OPERANDS)
        ]
        before, again = builder.block, builder.append_basic_block("loop")
        after = builder.append_basic_block("after")
        builder.branch(again)
        builder.position_at_end(again)
        step = builder.phi(_WORD)
        step.add_incoming(_constant(0), before)
        sums = [builder.phi(vector) for _ in range(_SUMS)]
        added = []
        for k, sum_ in enumerate(sums):
            sum_.add_incoming(start[k], before)
            added.append(operation(builder, sum_, operands[k % _OPERANDS]))
        following = builder.add(step, _constant(1))
        for sum_, result in zip(sums, added, strict=True):
            sum_.add_incoming(result, again)
        step.add_incoming(following, again)
        builder.cbranch(builder.icmp_signed("<", following, rounds), again, after)
        builder.position_at_end(after)
        total = added[0]
        for result in added[1:]:
            total = builder.add(total, result)
        return builder.extract_element(total, ir.Constant(_INTS, 0))

    return generate


def _constant(value: int) -> Any:
    return ir.Constant(_WORD, value)


def _triple(builder: Any, sum_: Any, operand: Any) -> Any:
    count = call_llvm(builder, f"llvm.ctpop.v{LANES}i64", _VECTOR, [builder.xor(sum_, operand)])
    return builder.add(sum_, count)


def _shuffled(builder: Any, table: Any, index: Any) -> Any:
    arguments = [builder.bitcast(table, _OCTETS), builder.bitcast(index, _OCTETS)]
    return call_llvm(builder, "llvm.x86.avx2.pshuf.b", _OCTETS, arguments)


def _shuffled_once(builder: Any, sum_: Any, operand: Any) -> Any:
    total = builder.add(builder.bitcast(sum_, _OCTETS), _shuffled(builder, operand, sum_))
    return builder.bitcast(total, _HALF)


def _shuffled_thrice(builder: Any, sum_: Any, operand: Any) -> Any:
    shorts = ir.VectorType(ir.IntType(16), 16)
    first = _shuffled(builder, operand, sum_)
    both = builder.add(first, _shuffled(builder, operand, first))
    both = builder.bitcast(builder.add(both, _shuffled(builder, sum_, operand)), shorts)
    second = builder.lshr(both, ir.Constant(shorts, [4] * 16))
    second = builder.and_(second, ir.Constant(shorts, [0x0F0F] * 16))
    total = builder.add(builder.add(builder.bitcast(sum_, shorts), both), second)
    return builder.bitcast(total, _HALF)


def _looked_up(builder: Any, sum_: Any, operand: Any) -> Any:
    shorts = ir.VectorType(ir.IntType(16), 32)
    index, table = builder.bitcast(sum_, shorts), builder.bitcast(operand, shorts)
    seen = call_llvm(builder, "llvm.x86.avx512.permvar.hi.512", shorts, [table, index])
    return builder.bitcast(builder.add(index, seen), _VECTOR)


def _multiplied(builder: Any, sum_: Any, operand: Any) -> Any:
    bits = 64 * sum_.type.count
    ints, octets = ir.VectorType(_INTS, bits // 32), ir.VectorType(ir.IntType(8), bits // 8)
    factor = builder.bitcast(operand, octets)
    arguments = [builder.bitcast(sum_, ints), factor, factor]
    product = call_llvm(builder, f"llvm.x86.avx512.vpdpbusd.{bits}", ints, arguments)
    return builder.bitcast(product, sum_.type)


def _on_tiles(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Emit `rounds` times `_SUMS` products of tiles, on four sums in turn."""
    octet, nothing = ir.IntType(8), ir.VoidType()

    def emit(name: str, *tiles: int) -> None:
        numbers = [ir.Constant(octet, tile) for tile in tiles]
        call_llvm(builder, f"llvm.x86.{name}", nothing, numbers)

    def body(step: Any, carried: list[Any]) -> list[Any]:
        for k in range(_SUMS):
            emit("tdpbusd", k % 4, 4 + k % 2, 6 + k // 2 % 2)
        return carried

    form = bytearray(64)
    form[0] = 1
    form[16:32], form[48:56] = bytes([64, 0] * 8), bytes([16] * 8)
    global_constant: Any = cgutils.global_constant
    constant = ir.Constant(ir.ArrayType(octet, len(form)), form)
    tiles = global_constant(builder.module, "form_of_tiles", constant)
    address = builder.bitcast(tiles, octet.as_pointer())
    call_llvm(builder, "llvm.x86.ldtilecfg", nothing, [address])
    for tile in range(8):
        emit("tilezero", tile)
    loop(builder, args[0], [], body)
    emit("tilerelease")
    return args[1]


@intrinsic
def _triples(typing: Any, rounds: Any, seed: Any) -> Any:
    """Do `rounds` times `_SUMS` triples of one XOR, one popcount and one addition of vectors."""
    return types.int64(types.int64, types.int64), _repeated(_triple)


# An intrinsic is called without its first parameter, which a type checker cannot know.
_do: Any = _triples


@nb.njit("int64(int64, int64)", nogil=True, cache=True)
def limit_loop(rounds: int, seed: int) -> int:
    """Do `rounds` times `_SUMS` triples, and return the sum of the sums of one lane."""
    return int(_do(rounds, seed))


@cache
def _loop_of(unit: str, *, signs: bool) -> Callable[[int, int], int]:
    if unit == "popcount":
        return limit_loop
    # Compiled here, where the processor is known to have the unit.
    if unit == "shuffle":
        generate = _repeated(_shuffled_thrice if signs else _shuffled_once, _HALF)
    elif unit == "amx":
        generate = _on_tiles
    elif unit == "lookup":
        generate = _repeated(_looked_up)
    else:
        generate = _repeated(_multiplied, ir.VectorType(_WORD, 8 if _HAS_WIDE_PRODUCTS else 4))

    @intrinsic
    def operations(typing: Any, rounds: Any, seed: Any) -> Any:
        return types.int64(types.int64, types.int64), generate

    do: Any = operations

    @nb.njit("int64(int64, int64)", nogil=True)
    def repeated(rounds: int, seed: int) -> int:
        return int(do(rounds, seed))

    return repeated


def operations_per_second(unit: str, *, signs: bool = False, rounds: int = 300_000) -> float:
    """Return the operations of a unit that all cores together do in a second.

    See `PRODUCTS`, or `SIGN_PRODUCTS` of `signs`.
    """
    parts, repeated = list(range(cores())), _loop_of(unit, signs=signs)
    begin = time.perf_counter()
    share(lambda part: repeated(rounds, part), parts)
    return len(parts) * rounds * _SUMS / (time.perf_counter() - begin)
