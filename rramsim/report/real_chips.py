"""What a chip is programmed with, and how good the chip is, for a person and for a machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rramsim.report.text_table import TextTable


def export_tables(manifest: Mapping[str, Any]) -> list[TextTable]:
    """Return the tiles and cells of each layer."""
    layers = manifest["layers"]
    roles = list(dict.fromkeys(role for layer in layers for role in layer["cells"]))
    return [
        TextTable(
            title="",
            columns=("layer", "kind", "neurons x inputs", "tiles", *map(_plural, roles), "in HRS"),
            rows=tuple(
                (
                    str(layer["layer"]),
                    layer["kind"],
                    f"{layer['neurons']} x {layer['inputs']}",
                    f"{layer['tiles']} ({layer['tiles_down_inputs']} x "
                    f"{layer['tiles_across_neurons']})",
                    *(f"{layer['cells'].get(role, 0):,}" for role in roles),
                    f"{layer['in_hrs']:,}",
                )
                for layer in layers
            ),
        )
    ]


def export_sentences(manifest: Mapping[str, Any], folder: str) -> list[str]:
    """Return where the tiles lie, and what belongs to them."""
    tile = manifest["tile"]
    return [
        f"{manifest['network']} (network {manifest['network_id'][:12]}) on tiles of "
        f"{tile['word_lines']} word lines x {tile['bit_lines']} bit lines, protection "
        f"{manifest['protection']}: {folder} holds {', '.join(manifest['sha256'])} and "
        "manifest.json, which says what the numbers mean."
    ]


def _plural(role: str) -> str:
    return {"weight": "weights", "complement": "complements"}.get(role, role)
