"""The canonical form of a program, shared by programs that are known to be equivalent."""

import ast
from typing import TypeVar

from activities.localisation.regions import EXITS

_SWAPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {ast.Gt: ast.Lt, ast.GtE: ast.LtE}
# Without the orderings: `not a < b` differs from `a >= b` for sets and for NaN.
_OPPOSITES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}

Node = TypeVar("Node", bound=ast.AST)


def canonicalise(tree: ast.Module) -> str:
    """Return a text that is equal for trees known to be equivalent; the tree is changed."""
    return ast.dump(_Canonicaliser().visit(tree))


class _Canonicaliser(ast.NodeTransformer):
    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list):
                setattr(node, name, _remove_dead_code(block))
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        match node:
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _SWAPPED:
                return ast.Compare(left=right, ops=[_SWAPPED[type(op)]()], comparators=[left])
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        match node:
            case ast.UnaryOp(op=ast.Not(), operand=ast.Compare(left=left, ops=[op], comparators=[right])):
                if type(op) in _OPPOSITES:
                    return ast.Compare(left=left, ops=[_OPPOSITES[type(op)]()], comparators=[right])
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
                return ast.Constant(value=-number)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        match node:
            case ast.BinOp(left=left, op=ast.Sub(), right=ast.Constant(value=int(number))):
                return _fold_sum(left, -number)
            case ast.BinOp(left=left, op=ast.Add(), right=ast.Constant(value=int(number))):
                return _fold_sum(left, number)
            case ast.BinOp(left=ast.Constant(value=int(number)), op=ast.Add(), right=right):
                return _fold_sum(right, number)
            case ast.BinOp(left=term, op=ast.Mult(), right=ast.Constant(value=int(1))):
                return term
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        match node:
            case ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=0), end], keywords=[]):
                return ast.Call(func=node.func, args=[end], keywords=[])
            case ast.Call(func=ast.Attribute(attr="get"), args=[key, ast.Constant(value=None)], keywords=[]):
                return ast.Call(func=node.func, args=[key], keywords=[])
        return node

    def visit_Return(self, node: ast.Return) -> ast.AST:
        self.generic_visit(node)
        match node:
            case ast.Return(value=ast.Constant(value=None)):
                return ast.Return(value=None)
        return node


def _fold_sum(term: ast.expr, number: int) -> ast.expr:
    match term:
        case ast.Constant(value=int(other)):
            return ast.Constant(value=other + number)
        case ast.BinOp(left=left, op=ast.Add(), right=ast.Constant(value=int(other))):
            return _fold_sum(left, other + number)
    return term if number == 0 else ast.BinOp(left=term, op=ast.Add(), right=ast.Constant(value=number))


def _remove_dead_code(block: list[ast.stmt]) -> list[ast.stmt]:
    live: list[ast.stmt] = []
    for node in block:
        match node:
            case ast.Pass():
                continue
            case ast.Assign(targets=[ast.Name(id=target)], value=ast.Name(id=value)) if target == value:
                continue
        live.append(node)
        if isinstance(node, EXITS):
            break
    return live
