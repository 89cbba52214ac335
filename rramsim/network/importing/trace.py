"""A user's torch module as a row of stages: a product with weights, then what acts on each value.

The module is traced by `torch.export`, so whatever its `forward` does is seen as it is computed:
how it binarizes its weights and activations is not asked for, but found.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import fx, nn

from rramsim.errors import InputError
from rramsim.network.importing.operations import (
    IGNORED,
    POOL,
    PRODUCTS,
    SOFTMAX,
    bias_node,
    check_followed,
    check_product,
    compute,
    entering,
    is_transposed,
    layer_name,
    operation,
    padding_of,
    refused,
    shape_of,
    stride_of,
    weight_node,
)


@dataclass(frozen=True, eq=False)
class Chain:
    """Operations from one product to the next, in the order they are computed.

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
        return any(operation(node) == POOL for node in self.nodes)

    def __call__(self, values: torch.Tensor) -> torch.Tensor:
        """Return what the operations make of `values`, in their own arithmetic.

        Values have the shape that the module was traced with. Softmax, which changes no order of
        scores, is left out.
        """
        outputs: torch.Tensor = self.all_values(values)[self.end]
        return outputs

    def all_values(self, values: torch.Tensor) -> dict[fx.Node, Any]:
        """Return what every operation makes of `values`."""
        values_of: dict[fx.Node, Any] = {**self.constants, self.start: values}
        for node in self.nodes:
            if operation(node) in SOFTMAX:
                values_of[node] = values_of[node.all_input_nodes[0]]
            else:
                values_of[node] = compute(node, values_of)
        return values_of

    def around_pool(self) -> tuple[Chain, Chain]:
        """Return what is computed before values are pooled, and after."""
        place = next(k for k, node in enumerate(self.nodes) if operation(node) == POOL)
        pooling = self.nodes[place]
        before = replace(self, nodes=self.nodes[:place], end=pooling.all_input_nodes[0])
        after = replace(self, nodes=self.nodes[place + 1 :], start=pooling)
        known = {*self.constants, pooling, *after.nodes}
        for node in after.nodes:
            if operation(node) == POOL:
                raise refused(node, "pools what is pooled already; a layer of a chip pools once")
            if not all(source in known for source in node.all_input_nodes):
                raise refused(node, "takes what came before pooling")
        return before, after

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
        As `forward` uses it: (neurons, inputs) or (channels out, channels in, height, width).
    bias : tensor, shape (neurons,), optional
    stride, padding : (int, int)
        Of a convolution.
    input_shape, output_shape : tuple of int
        Of one image's values that enter the product and leave it.
    chain : Chain
        What follows.
    """

    name: str
    weight: torch.Tensor
    bias: torch.Tensor | None
    stride: tuple[int, int]
    padding: tuple[int, int]
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    chain: Chain

    def product(self, values: torch.Tensor) -> torch.Tensor:
        """Return what the module itself makes of `values` that enter, before the chain."""
        node = self.chain.start
        constants = self.chain.constants
        product: torch.Tensor = compute(node, {**constants, entering(node, constants): values})
        return product


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
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch, about its own inner workings
            program = torch.export.export(module, (example,), strict=False)
            # Without a table nothing is taken apart: only what changes tensors in place, like
            # values[values < 0] = -1, becomes operations that return new ones.
            program = program.run_decompositions({})
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


def check_data(module: nn.Module) -> None:
    """Raise where a forward assigns to `.data`, as that of BinaryNet.pytorch does.

    torch.export cannot follow it, and says so in terms of its own.
    """
    for path, layer in module.named_modules():
        line = _data_assigned(type(layer))
        if line:
            where = f"layer {path} ({type(layer).__name__})" if path else type(layer).__name__
            raise InputError(
                f"{where}: forward assigns to .data ({line}), so what it computes cannot be "
                "followed. Give the layer a forward that computes the same by functions, like "
                "linear(sign(inputs), sign(self.weight), self.bias), and load the same state dict; "
                'the documentation has the recipe: "Your own network", "Modules that assign to '
                '.data".'
            )


def _data_assigned(kind: type[nn.Module]) -> str:
    """Return the first line of a class's own forward that assigns to `.data`, else ""."""
    if kind.__module__.startswith("torch."):
        return ""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(kind.forward)))
    except (OSError, TypeError, SyntaxError):  # written where no source is kept
        return ""
    assignments = [node for node in ast.walk(tree) if isinstance(node, ast.Assign | ast.AugAssign)]
    for node in sorted(assignments, key=lambda node: node.lineno):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if any(_is_data(target) for target in targets):
            return ast.unparse(node)
    return ""


def _is_data(target: ast.expr) -> bool:
    """Return whether `target` is the data of a tensor; `self.data` is an attribute of a layer."""
    if not isinstance(target, ast.Attribute) or target.attr != "data":
        return False
    return not (isinstance(target.value, ast.Name) and target.value.id == "self")


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
                check_followed(node)
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
        scores = outputs[0] if isinstance(outputs, tuple) and len(outputs) == 1 else None
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
        bias = bias_node(node)
        used = {
            source: self._constants[source]
            for source in node.all_input_nodes
            if source in self._constants
        }
        convolves = operation(node) == "conv2d"
        return Stage(
            name=layer_name(node),
            weight=weight.T if is_transposed(node) else weight,
            bias=None if bias is None else self._constants[bias],
            stride=stride_of(node) if convolves else (1, 1),
            padding=padding_of(node, weight) if convolves else (0, 0),
            input_shape=shape_of(entering(node, self._constants)),
            output_shape=shape_of(node),
            chain=replace(chain, constants={**chain.constants, **used}),
        )
