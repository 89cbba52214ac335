"""The operations of a traced module: what they are called, and which a chip can follow."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import fx

from rramsim.errors import InputError

BATCH = 4
"""Images that a module is traced with."""

ACCEPTED = (
    "Accepted are Linear and Conv2d with binarized weights, whatever acts on each neuron alone and "
    "ends in a sign, MaxPool2d(2), averages of signs right before the last layer, reshaping and, "
    "at the end, softmax; one after the other, without branches."
)

PRODUCTS = ("linear", "matmul", "mm", "addmm", "conv2d")
SOFTMAX = ("softmax", "log_softmax", "_softmax", "_log_softmax")
POOL = "max_pool2d"
AVERAGES = ("avg_pool2d", "adaptive_avg_pool2d", "_adaptive_avg_pool2d")
IGNORED = ("_assert_tensor_metadata", "_set_grad_enabled", "_assert_scalar")

_NAMES = {
    "_native_batch_norm_legit_no_training": "batch_norm",
    "_native_batch_norm_legit": "batch_norm",
    "native_layer_norm": "layer_norm",
    "native_group_norm": "group_norm",
    "_to_copy": "to",
}
"""What a person calls operations that torch.export writes otherwise."""


def entering(node: fx.Node, constants: Mapping[fx.Node, torch.Tensor]) -> fx.Node:
    """Return the operation whose values enter a product."""
    first = node.args[_factor(node)]
    if not isinstance(first, fx.Node) or first in constants:
        raise refused(node, "has its inputs on the right of the weights")
    return first


def weight_node(node: fx.Node) -> fx.Node:
    """Return the operation that gives the weights of a product."""
    weight = node.args[_factor(node) + 1]
    assert isinstance(weight, fx.Node)
    return weight


def bias_node(node: fx.Node) -> fx.Node | None:
    """Return the operation that gives the bias of a product, if it has one."""
    if operation(node) in ("matmul", "mm"):
        return None
    bias = node.args[0] if _factor(node) else argument(node, 2, None)
    return bias if isinstance(bias, fx.Node) else None


def is_transposed(node: fx.Node) -> bool:
    """Return whether the weights of a product are (inputs, neurons)."""
    return operation(node) in ("matmul", "mm", "addmm")


def _factor(node: fx.Node) -> int:
    return 1 if operation(node) == "addmm" else 0


def check_product(node: fx.Node, constants: Mapping[fx.Node, torch.Tensor]) -> None:
    """Raise unless `node` multiplies its inputs by a matrix, or by filters as a chip does."""
    first = entering(node, constants)
    others = [source for source in node.all_input_nodes if source is not first]
    if any(source not in constants for source in others) or weight_node(node) not in constants:
        raise refused(node, "multiplies by what depends on the input")
    weight = constants[weight_node(node)]
    if node.meta["val"].shape[:1] != (BATCH,):
        raise refused(node, "takes a batch whose images are mixed")
    if operation(node) == "conv2d":
        _check_convolution(node, weight)
    elif weight.ndim != 2 or len(shape_of(node)) != 1:
        raise refused(node, "is not a product of flat inputs with a matrix; flatten them before")


def _check_convolution(node: fx.Node, weight: torch.Tensor) -> None:
    padding, dilation, groups = argument(node, 4, 0), argument(node, 5, 1), argument(node, 6, 1)
    even = any(size % 2 == 0 for size in weight.shape[2:])
    fitting = {
        f"dilation {dilation}": _all(dilation, 1),
        f"groups {groups}": groups == 1,
        "padding 'same' with filters of an even size": not (padding == "same" and even),
    }
    strange = [text for text, fits in fitting.items() if not fits]
    if strange:
        raise refused(node, f"has {', '.join(strange)}")


def stride_of(node: fx.Node) -> tuple[int, int]:
    """Return the rows and columns from one place of a convolution to the next."""
    return _pair(argument(node, 3, 1))


def padding_of(node: fx.Node, weight: torch.Tensor) -> tuple[int, int]:
    """Return the rows and columns of zeros that a convolution adds on each side."""
    padding = argument(node, 4, 0)
    if padding == "same":
        return weight.shape[2] // 2, weight.shape[3] // 2
    return _pair(0 if padding == "valid" else padding)


def _pair(value: Any) -> tuple[int, int]:
    first, *others = value if isinstance(value, list | tuple) else [value]
    return int(first), int(others[0] if others else first)


def check_followed(node: fx.Node) -> None:
    """Raise where `node` can be told to be what no chip computes, without running it.

    Any other operation may stand between two layers: `probes` finds out whether all of them
    together act on each neuron alone.
    """
    name = operation(node)
    objection = _OBJECTIONS.get(name)
    why = objection(node) if objection else ""
    if torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ()):
        why = why or "is random in evaluation mode too"
    if why:
        raise refused(node, why)


def _to_dropout(node: fx.Node) -> str:
    return "drops values in evaluation mode too" if argument(node, 2, False) else ""


def _to_pool(node: fx.Node) -> str:
    size, stride = argument(node, 1, None), argument(node, 2, ())
    padding, dilation = argument(node, 3, 0), argument(node, 4, 1)
    fits = _all(size, 2) and _all(stride or size, 2) and _all(padding, 0) and _all(dilation, 1)
    fits = fits and not argument(node, 5, False)
    return "" if fits else "pools otherwise than MaxPool2d(2) does"


def _to_softmax(node: fx.Node) -> str:
    last = not any(operation(user) for user in node.users)
    over_classes = argument(node, 1, None) in (1, -1)
    return "" if last and over_classes else "must be the last operation, over the classes"


_OBJECTIONS: Mapping[str, Callable[[fx.Node], str]] = {
    "_native_batch_norm_legit": lambda node: (
        "takes its statistics from the batch (it has no running ones)"
    ),
    POOL: _to_pool,
    "max_pool2d_with_indices": _to_pool,
    **dict.fromkeys(("dropout", "feature_dropout", "native_dropout"), _to_dropout),
    **dict.fromkeys(SOFTMAX, _to_softmax),
}
"""What speaks against some operations, "" if nothing does."""


def _all(value: Any, expected: int) -> bool:
    return all(
        number == expected for number in (value if isinstance(value, list | tuple) else [value])
    )


def argument(node: fx.Node, place: int, default: Any) -> Any:
    """Return an argument by its place in the operation's signature, however it was given."""
    if len(node.args) > place:
        return node.args[place]
    target = node.target
    assert isinstance(target, torch._ops.OpOverload)
    names = [parameter.name for parameter in target._schema.arguments]
    return node.kwargs.get(names[place], default) if len(names) > place else default


def compute(node: fx.Node, values: Mapping[fx.Node, Any]) -> Any:
    """Return what `node` computes from the `values` of others."""
    assert callable(node.target)
    target: Callable[..., Any] = node.target
    args = fx.map_arg(node.args, lambda source: values[source])
    kwargs = fx.map_arg(node.kwargs, lambda source: values[source])
    with torch.no_grad():
        return target(*args, **kwargs)


def operation(node: fx.Node) -> str:
    """Return the operation's name."""
    if node.op != "call_function":
        return ""
    if not isinstance(node.target, torch._ops.OpOverload):
        return str(getattr(node.target, "__name__", node.target))
    return str(node.target._schema.name).rsplit("::", maxsplit=1)[-1]


def shape_of(node: fx.Node) -> tuple[int, ...]:
    """Return the shape of one image's values."""
    return tuple(node.meta["val"].shape[1:])


def layer_name(node: fx.Node) -> str:
    """Return the user's own name of the layer that computes `node`."""
    path, kind = list((node.meta.get("nn_module_stack") or {"": ("", "")}).values())[-1]
    kind = str(kind).rsplit(".", maxsplit=1)[-1]
    return f"layer {path} ({kind})" if path else f"{_name(node)} in forward"


def _name(node: fx.Node) -> str:
    # A batch norm gives several tensors, of which one is then taken.
    if node.target is operator.getitem and node.all_input_nodes:
        return _name(node.all_input_nodes[0])
    name = operation(node) or node.op
    return _NAMES.get(name, name)


def refused(node: fx.Node, why: str) -> InputError:
    """Return the error that names an operation, its layer, and what is accepted."""
    name, where = _name(node), layer_name(node)
    named = where if where.startswith(name) else f"{where}: {name}"
    return InputError(f"{named} {why}. {ACCEPTED}")
