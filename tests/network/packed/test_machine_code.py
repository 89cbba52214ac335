"""What kernels are on processors that this one need not be: the instructions that LLVM emits."""

import json
import os
import platform
import subprocess
import sys
from functools import cache

import pytest

if platform.machine() not in ("x86_64", "AMD64"):
    pytest.skip("instructions are named for x86-64", allow_module_level=True)

_NARROW = "avx2 avx bmi bmi2 popcnt fma ssse3"
_WIDE = f"{_NARROW} avx512f avx512bw avx512vl avx512dq avx512vpopcntdq avx512vnni avx512vbmi"
FEATURES = {
    "haswell": _NARROW,
    "alderlake": f"{_NARROW} avxvnni",
    "icelake-server": _WIDE,
    "znver4": _WIDE,
    "sapphirerapids": f"{_WIDE} avxvnni amx-tile amx-int8",
}

# Intrinsics are compiled one by one, since kernels themselves would be loaded to be run.
_EMIT = """
import importlib, inspect, json, re, sys
from collections import Counter
import llvmlite.binding as llvm
from llvmlite import ir
from rramsim.kernels import processor
from rramsim.network.packed import units

llvm.initialize_all_targets()
llvm.initialize_all_asmprinters()
machine = llvm.Target.from_triple("x86_64-unknown-linux-gnu").create_target_machine(
    cpu=processor().name,
    features=",".join("+" + feature for feature in processor().features),
    opt=3,
)


class Context:
    def get_dummy_value(self):
        return None


def instructions(definition):
    arguments = [None] * len(inspect.signature(definition).parameters)
    signature, generate = definition(*arguments)
    module, result = ir.Module(), getattr(signature.return_type, "bitwidth", None)
    words = [ir.IntType(argument.bitwidth) for argument in signature.args]
    kind = ir.FunctionType(ir.VoidType() if result is None else ir.IntType(result), words)
    function = ir.Function(module, kind, "intrinsic")
    builder = ir.IRBuilder(function.append_basic_block())
    value = generate(Context(), builder, signature, list(function.args))
    builder.ret_void() if result is None else builder.ret(value)
    parsed = llvm.parse_assembly(str(module))
    parsed.verify()
    assert machine.emit_object(parsed)
    lines = machine.emit_assembly(parsed)
    return Counter(re.findall(r"^\\t(?:{\\w+}\\s+)?([a-z]\\w+)", lines, re.M))


emitted = {}
for name in sys.argv[1:]:
    module = importlib.import_module("rramsim.network.packed." + name)
    for one in vars(module).values():
        definition = getattr(one, "_defn", None)
        if getattr(definition, "__module__", None) == module.__name__:
            place = name.rpartition(".")[2].removesuffix("_kernels") + definition.__name__
            emitted[place] = instructions(definition)
chosen = {neurons: units.for_pixels(784, neurons, 8).name for neurons in (10, 128, 512, 4096)}
print(json.dumps({"emitted": emitted, "chosen": chosen}))
"""

_FILES = {
    **{unit: f"unit_kernels.{unit}_kernels" for unit in ("popcount", "shuffle", "lookup", "vnni")},
    "amx": "unit_kernels.amx_kernels",
    "sliced": "corrections.sliced_kernels",
    "delta": "corrections.delta_kernels",
}


@cache
def _made_for(name):
    units = ["popcount", "shuffle", "sliced", "delta"]
    units += ["lookup"] if "avx512bw" in FEATURES[name] else []
    units += ["vnni"] if "vnni" in FEATURES[name] else []
    units += ["amx"] if "amx" in FEATURES[name] else []
    settings = {
        "NUMBA_DISABLE_JIT": "1",
        "NUMBA_CPU_NAME": name,
        "NUMBA_CPU_FEATURES": ",".join("+" + feature for feature in FEATURES[name].split()),
    }
    done = subprocess.run(
        [sys.executable, "-P", "-c", _EMIT, *(_FILES[unit] for unit in units)],
        env={**os.environ, "RRAMSIM_KERNEL": "", **settings},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["icelake-server", "znver4", "sapphirerapids"])
def test_processors_with_avx_512_get_its_instructions(name):
    emitted = _made_for(name)["emitted"]
    # 4 images by 4 vectors of neurons.
    assert emitted["popcount_fire_tile"]["vpopcntq"] == 16
    # 3 tables, 4 images, 4 vectors of neurons.
    assert emitted["lookup_add_steps"]["vpermw"] == 48
    assert emitted["vnni_multiply"]["vpdpbusd"] == 8
    assert emitted["sliced_add_listed"]["vpternlogq"] > 0
    # Toggles of 64 margins are spread from bits to bytes at once.
    assert emitted["delta_correct_row"]["vpshufb"] == 1


@pytest.mark.slow
def test_tiles_are_loaded_once_for_each_product():
    emitted = _made_for("sapphirerapids")["emitted"]
    multiply = emitted["amx_multiply"]
    # In the loop a load for each product; before it, sums are loaded or zeroed.
    expected = {"tdpbusd": 4, "tileloadd": 4 + 4, "tilezero": 4, "tilestored": 4}
    assert {name: multiply[name] for name in expected} == expected
    assert emitted["amx_configure_tiles"]["ldtilecfg"] == 1
    assert emitted["amx_release_tiles"]["tilerelease"] == 1
    # A store of 64 bytes for each 64 weights of one panel, none of single bytes.
    assert emitted["amx_spread_word"]["vptestmb"] == 32
    assert emitted["amx_spread_bits"]["kmovq"] == 1


@pytest.mark.slow
def test_processors_of_256_bits_look_pixels_up_unless_neurons_are_few():
    haswell, alderlake = _made_for("haswell"), _made_for("alderlake")
    for made in (haswell, alderlake):
        assert made["emitted"]["shuffle_add_groups"]["vpshufb"] == 12
        assert made["emitted"]["shuffle_add_pixel_steps"]["vpshufb"] == 8
        assert made["emitted"]["delta_correct_row"]["vpshufb"] == 2
    assert alderlake["emitted"]["vnni_multiply"]["vpdpbusd"] == 8
    wide = {"512": "shuffle", "4096": "shuffle"}
    assert alderlake["chosen"] == {"10": "vnni", "128": "vnni", **wide}
    assert haswell["chosen"] == {"10": "popcount", "128": "shuffle", **wide}
