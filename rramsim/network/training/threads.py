"""How many threads torch works with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

SMALL = 400_000
"""Networks of fewer multiply-adds an image run on one thread.

Their layers take less time than it takes threads to meet: two threads gain at most a third on an
idle machine, and on a busy one they wait for each other and are over ten times slower.
"""


@contextmanager
def threads_for(multiply_adds: int) -> Iterator[None]:
    """Let torch use one thread inside if a network of so many multiply-adds an image is small.

    This also makes the training of a small network independent of the number of cores.
    """
    before = torch.get_num_threads()
    if multiply_adds < SMALL:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def sum_dtype(device: str) -> torch.dtype:
    """Return bfloat16 where the device multiplies it in hardware, else float32.

    Processors without such instructions emulate bfloat16, which is far slower than float32.
    """
    if torch.device(device).type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(False) else torch.float32
    capability = torch.backends.cpu.get_cpu_capability()
    is_fast = capability == "AVX512" and getattr(torch.cpu, "_is_avx512_bf16_supported", bool)()
    return torch.bfloat16 if is_fast else torch.float32
