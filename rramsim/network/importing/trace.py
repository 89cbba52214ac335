"""A user's torch module as a row of stages: a product with weights, then what acts on each value.

The module is traced by `torch.export`, so whatever its `forward` does is seen as it is computed:
how it binarizes its weights and activations is not asked for, but found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import fx, nn

from rramsim.errors import InputError
from rramsim.network.importing.operations import (
    IGNORED,
    PRODUCTS,
    RESHAPES,
    SOFTMAX,
    argument,
    check_alike,
    check_product,
    compute,
    entering,
    layer_name,
    operation,
    refused,
    shape_of,
    weight_node,
)


@dataclass(frozen=True, eq=False)
class Chain:
    """Operations that act on each value of a channel alike, in the order they are computed.

    Attributes
    ----------
    nodes : tuple of fx.Node
        The operations.
    start, end : fx.Node
        Whose values go in and come out.
    constants : mapping
        The tensors that do not depend on the input.
    """

    nodes: tuple[fx.Node, ...]
    start: fx.Node
    end: fx.Node
    constants: Mapping[fx.Node, torch.Tensor]

    @property
    def pool(self) -> bool:
        """Whether 2 x 2 values become one."""
        return any(operation(node) == "max_pool2d" for node in self.nodes)

    def __call__(
        self, values: torch.Tensor, *, pool: bool = False, reshape: bool = False
    ) -> torch.Tensor:
        """Return what the operations make of `values`, in their own arithmetic.

        Without `pool` and `reshape` these are left out, and values of shape (sums, channels, ...)
        keep it. Softmax, which changes no order of scores, is always left out.
        """
        left_out = {*SOFTMAX, *(() if pool else ["max_pool2d"]), *(() if reshape else RESHAPES)}
        shape = values.shape
        values_of = {**self.constants, self.start: values}
        for node in self.nodes:
            if operation(node) in left_out:
                values_of[node] = values_of[node.all_input_nodes[0]]
                continue
            try:
                values_of[node] = compute(node, values_of)
            except RuntimeError as error:
                raise refused(node, "does not act on each neuron or filter alike") from error
        outputs = values_of[self.end]
        if outputs.shape != shape and not (pool or reshape):
            raise refused(self.end, "does not act on each neuron or filter alike")
        return outputs

    def in_double(self) -> Chain:
        """Return the same operations for float64."""
        doubled = {
            node: tensor.double() if tensor.is_floating_point() else tensor
            for node, tensor in self.constants.items()
        }
        return replace(self, constants=doubled)


@dataclass(frozen=True, eq=False)
class Stage:
    """A product with weights, and the chain up to the next one.

    Attributes
    ----------
    name : str
        The layer, for messages.
    weight : tensor
        As `forward` uses it: (neurons, inputs) or (channels out, channels in, 3, 3).
    bias : tensor, shape (neurons,), optional
    input_shape, output_shape : tuple of int
        Of one image's values that enter the product and leave it.
    chain : Chain
        What follows.
    """

    name: str
    weight: torch.Tensor
    bias: torch.Tensor | None
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    chain: Chain


def trace_module(module: nn.Module, example: torch.Tensor) -> tuple[Chain, tuple[Stage, ...]]:
    """Take a module apart.

    Parameters
    ----------
    module : Module
        In evaluation mode.
    example : tensor, shape (BATCH, ...)
        Inputs.

    Returns
    -------
    Chain
        What is done to the input.
    tuple of Stage
        The layers.

    Raises
    ------
    InputError
        If the module cannot be traced, or does what cannot be mapped; the message names it.
    """
    try:
        with torch.no_grad():
            program = torch.export.export(module, (example,), strict=False)
    except Exception as error:  # whatever a user's forward raises
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise InputError(
            f"The module {type(module).__name__} cannot be traced by torch.export ({reason[0]}). "
            "Its forward must neither branch on the values of tensors nor assign to .data; "
            "binarize by functions, like linear(sign(inputs), sign(weight))."
        ) from error
    walk = _Walk(_constants(program))
    for node in program.graph.nodes:
        walk.take(node)
    return walk.traced()


def _constants(program: torch.export.ExportedProgram) -> dict[fx.Node, torch.Tensor]:
    """Return the tensors of the module by the placeholder that stands for each."""
    held: dict[str, Any] = {**program.state_dict, **program.constants}
    placeholders = [node for node in program.graph.nodes if node.op == "placeholder"]
    specs = program.graph_signature.input_specs
    return {
        node: held[spec.target].detach()
        for node, spec in zip(placeholders, specs, strict=True)
        if spec.target is not None
    }


class _Walk:
    """The graph of a module, taken node by node."""

    def __init__(self, constants: dict[fx.Node, torch.Tensor]) -> None:
        self._constants = constants
        self._heads: list[fx.Node] = []
        self._nodes: list[list[fx.Node]] = []
        self._ends: list[fx.Node] = []

    def take(self, node: fx.Node) -> None:
        if node in self._constants or operation(node) in IGNORED:
            return
        if node.op == "placeholder":
            self._begin(node)
        elif node.op == "output":
            self._finish(node)
        elif node.op != "call_function":
            raise refused(node, "cannot be mapped")
        elif all(source in self._constants for source in node.all_input_nodes):
            self._constants[node] = compute(node, self._constants)
        else:
            self._check_source(node)
            if operation(node) in PRODUCTS:
                check_product(node, self._constants)
                self._ends.append(entering(node, self._constants))
                self._begin(node)
            else:
                check_alike(node)
                self._nodes[-1].append(node)

    def traced(self) -> tuple[Chain, tuple[Stage, ...]]:
        pieces = zip(self._heads, self._nodes, self._ends, strict=True)
        first, *others = (self._chain(tuple(nodes), head, end) for head, nodes, end in pieces)
        return first, tuple(self._stage(chain) for chain in others)

    def _chain(self, nodes: tuple[fx.Node, ...], head: fx.Node, end: fx.Node) -> Chain:
        used = {source for node in nodes for source in node.all_input_nodes}
        constants = {node: tensor for node, tensor in self._constants.items() if node in used}
        return Chain(nodes, head, end, constants)

    def _begin(self, node: fx.Node) -> None:
        self._heads.append(node)
        self._nodes.append([])

    def _finish(self, node: fx.Node) -> None:
        (outputs,) = node.args
        (scores,) = outputs if isinstance(outputs, tuple) and len(outputs) == 1 else (None,)
        if not isinstance(scores, fx.Node) or scores in self._constants:
            raise InputError("The module must return one tensor, the scores of the classes.")
        self._check_source(node)
        self._ends.append(scores)

    def _check_source(self, node: fx.Node) -> None:
        """Raise unless all that `node` takes comes from the last product."""
        last = {self._heads[-1], *self._nodes[-1]}
        if not all(source in self._constants or source in last for source in node.all_input_nodes):
            raise refused(node, "takes what came before the last layer (a branch or a skip)")

    def _stage(self, chain: Chain) -> Stage:
        node = chain.start
        weight = self._constants[weight_node(node)]
        bias = argument(node, 2, None)
        return Stage(
            name=layer_name(node),
            weight=weight.T if operation(node) in ("matmul", "mm") else weight,
            bias=self._constants[bias] if isinstance(bias, fx.Node) else None,
            input_shape=shape_of(entering(node, self._constants)),
            output_shape=shape_of(node),
            chain=chain,
        )
