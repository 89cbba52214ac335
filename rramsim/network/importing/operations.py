"""The operations of a traced module: what they are called, and which a chip can follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import fx

from rramsim.errors import InputError

BATCH = 2
"""Images that a module is traced with."""

ACCEPTED = (
    "Accepted are Linear and Conv2d (3 x 3, stride 1, padding 1) with binarized weights, batch "
    "norm, operations on single values that end in a sign, MaxPool2d(2), reshaping and, at the "
    "end, softmax; one after the other, without branches."
)

PRODUCTS = ("linear", "matmul", "mm", "conv2d")
_ALIKE = ("ones_like", "zeros_like", "full_like", "detach", "alias", "contiguous", "to", "where")
_DROPOUTS = ("dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout")
RESHAPES = ("view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "_unsafe_view")
SOFTMAX = ("softmax", "log_softmax")
IGNORED = ("_assert_tensor_metadata", "_set_grad_enabled")


def entering(node: fx.Node, constants: Mapping[fx.Node, torch.Tensor]) -> fx.Node:
    """Return the operation whose values enter a product."""
    first = node.all_input_nodes[0]
    if first in constants:
        raise refused(node, "has its inputs on the right of the weights")
    return first


def weight_node(node: fx.Node) -> fx.Node:
    """Return the operation that gives the weights of a product."""
    weight = node.args[1]
    assert isinstance(weight, fx.Node)
    return weight


def check_product(node: fx.Node, constants: Mapping[fx.Node, torch.Tensor]) -> None:
    """Raise unless `node` multiplies its inputs by a matrix, or by filters as a chip does."""
    if (
        any(source not in constants for source in node.all_input_nodes[1:])
        or weight_node(node) not in constants
    ):
        raise refused(node, "multiplies by what depends on the input")
    weight = constants[weight_node(node)]
    if operation(node) == "conv2d":
        _check_convolution(node, weight)
    elif weight.ndim != 2 or len(shape_of(node)) != 1:
        raise refused(node, "is not a product of flat inputs with a matrix; flatten them before")


def _check_convolution(node: fx.Node, weight: torch.Tensor) -> None:
    stride, padding, dilation = (
        argument(node, place, default) for place, default in ((3, 1), (4, 0), (5, 1))
    )
    groups = argument(node, 6, 1)
    fitting = {
        f"filters of {weight.shape[2]} x {weight.shape[3]}": tuple(weight.shape[2:]) == (3, 3),
        f"stride {stride}": _all(stride, 1),
        f"padding {padding}": padding == "same" or _all(padding, 1),
        f"dilation {dilation}": _all(dilation, 1),
        f"groups {groups}": groups == 1,
    }
    strange = [text for text, fits in fitting.items() if not fits]
    if strange:
        raise refused(node, f"has {', '.join(strange)}")


def check_alike(node: fx.Node) -> None:
    """Raise unless `node` acts on each value alone, or is one of the few others that can be."""
    name = operation(node)
    objection = _OBJECTIONS.get(name)
    if objection is None:
        why = "" if name in _ALIKE or _pointwise(node) else "cannot be mapped"
    else:
        why = objection(node)
    if why:
        raise refused(node, why)


def _to_batch_norm(node: fx.Node) -> str:
    of_batch = argument(node, 5, False)
    return "takes its statistics from the batch (it has no running ones)" if of_batch else ""


def _to_dropout(node: fx.Node) -> str:
    return "drops values in evaluation mode too" if argument(node, 2, False) else ""


def _to_pool(node: fx.Node) -> str:
    size, stride = argument(node, 1, None), argument(node, 2, ())
    padding, dilation = argument(node, 3, 0), argument(node, 4, 1)
    fits = _all(size, 2) and _all(stride or size, 2) and _all(padding, 0) and _all(dilation, 1)
    fits = fits and not argument(node, 5, False)
    return "" if fits else "pools otherwise than MaxPool2d(2) does"


def _to_reshape(node: fx.Node) -> str:
    return "" if node.meta["val"].shape[:1] == (BATCH,) else "mixes the images of a batch"


def _to_softmax(node: fx.Node) -> str:
    last = not any(operation(user) for user in node.users)
    over_classes = argument(node, 1, None) in (1, -1)
    return "" if last and over_classes else "must be the last operation, over the classes"


_OBJECTIONS: Mapping[str, Callable[[fx.Node], str]] = {
    "batch_norm": _to_batch_norm,
    "max_pool2d": _to_pool,
    **dict.fromkeys(_DROPOUTS, _to_dropout),
    **dict.fromkeys(RESHAPES, _to_reshape),
    **dict.fromkeys(SOFTMAX, _to_softmax),
}
"""What speaks against an operation that does not act on each value alone, "" if nothing does."""


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


def compute(node: fx.Node, values: Mapping[fx.Node, torch.Tensor]) -> torch.Tensor:
    """Return what `node` computes from the `values` of others."""
    assert callable(node.target)
    target: Callable[..., torch.Tensor] = node.target
    args = fx.map_arg(node.args, lambda source: values[source])
    kwargs = fx.map_arg(node.kwargs, lambda source: values[source])
    with torch.no_grad():
        return target(*args, **kwargs)


def _pointwise(node: fx.Node) -> bool:
    tags = getattr(node.target, "tags", ())
    return torch.Tag.pointwise in tags and torch.Tag.nondeterministic_seeded not in tags


def operation(node: fx.Node) -> str:
    """Return the operation's name, that of the one in place without its underscore."""
    if node.op != "call_function":
        return ""
    if not isinstance(node.target, torch._ops.OpOverload):
        return str(getattr(node.target, "__name__", node.target))
    return str(node.target._schema.name).rsplit("::", maxsplit=1)[-1].removesuffix("_")


def shape_of(node: fx.Node) -> tuple[int, ...]:
    """Return the shape of one image's values."""
    return tuple(node.meta["val"].shape[1:])


def layer_name(node: fx.Node) -> str:
    """Return the user's own name of the layer that computes `node`."""
    path, kind = list((node.meta.get("nn_module_stack") or {"": ("", "")}).values())[-1]
    kind = str(kind).rsplit(".", maxsplit=1)[-1]
    return f"layer {path} ({kind})" if path else f"{operation(node) or node.op} in forward"


def refused(node: fx.Node, why: str) -> InputError:
    """Return the error that names an operation, its layer, and what is accepted."""
    name = operation(node) or node.op
    where = layer_name(node)
    named = where if where.startswith(name) else f"{where}: {name}"
    return InputError(f"{named} {why}. {ACCEPTED}")
