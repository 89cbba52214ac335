"""What kind of number a device multiplies fastest, of those that hold signs and pixels exactly."""

from __future__ import annotations

import torch


def sum_dtype(device: str) -> torch.dtype:
    """Return bfloat16 where the device multiplies it in hardware, else float32.

    Processors without such instructions emulate bfloat16, which is far slower than float32.
    """
    if torch.device(device).type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(False) else torch.float32
    capability = torch.backends.cpu.get_cpu_capability()
    found = capability == "AVX512" and getattr(torch.cpu, "_is_avx512_bf16_supported", bool)()
    return torch.bfloat16 if found else torch.float32
