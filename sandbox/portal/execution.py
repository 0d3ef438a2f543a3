"""Answers a GraphQL document: read, validated and coerced by graphql-core, then picked by hand.

graphql-core's own executor resolves field by field, which costs more than everything else here; a
page is whole values of which only the selected part is kept. Knows nothing of cases: records are
resolved by the functions that the caller registers for their type.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    get_directive_values,
    get_named_type,
    get_operation_ast,
    is_abstract_type,
    is_leaf_type,
    parse,
    validate,
)
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values

PARSE_FAILED: Final = "GRAPHQL_PARSE_FAILED"
INVALID: Final = "GRAPHQL_VALIDATION_FAILED"
BAD_VARIABLE: Final = "VALIDATION_INVALID_TYPE_VARIABLE"
BAD_INPUT: Final = "BAD_USER_INPUT"

Json = dict[str, Any]
#: (record, field, arguments) -> the field's whole value.
Resolver = Callable[[Any, str, Mapping[str, Any]], Any]


class RequestError(Exception):
    """What the service answers with `errors` in an answer of HTTP 200."""

    def __init__(self, code: str, *messages: str) -> None:
        super().__init__("; ".join(messages))
        self.code = code
        self.messages = messages

    def as_json(self) -> Json:
        """The answer's body."""
        extensions = {"code": self.code, "service": "uiapi"}
        rows = [{"message": one, "extensions": extensions} for one in self.messages]
        return {"errors": rows, "data": None}


class Picked(NamedTuple):
    """A selected field: the name it is answered under, its arguments, what of it is selected."""

    key: str
    name: str
    arguments: Mapping[str, Any]
    selection: "Selection | None"


#: What is selected of an object, by the name of its type (several for a union).
Selection = Mapping[str, tuple[Picked, ...]]


@lru_cache(maxsize=256)
def _read_document(schema: GraphQLSchema, text: str) -> DocumentNode:
    try:
        document = parse(text)
    except GraphQLError as error:
        raise RequestError(PARSE_FAILED, error.message) from None
    if errors := validate(schema, document):
        raise RequestError(INVALID, *(error.message for error in errors))
    return document


class Executor:
    """Answers documents over a schema; `resolvers` says how each type of record gives a field."""

    def __init__(self, schema: GraphQLSchema, resolvers: Mapping[type, Resolver]) -> None:
        self._schema = schema
        self._resolvers = resolvers

    def execute(self, text: str, variables: Json, name: str | None, root: Mapping[str, Any]) -> Any:
        """The `data` of a query. Raises RequestError for whatever is wrong with it."""
        document = _read_document(self._schema, text)
        operation = get_operation_ast(document, name)
        if operation is None:
            raise RequestError(BAD_INPUT, "Must provide one operation, or operationName")
        values = self._variables(operation, variables)
        query = self._schema.query_type
        assert query is not None
        selection = _Compiler(self._schema, document, values).compile(
            query, [operation.selection_set]
        )
        return self._pick(selection, root)

    def _variables(self, operation: OperationDefinitionNode, variables: Json) -> VariableValues:
        definitions = operation.variable_definitions or ()
        values = get_variable_values(self._schema, definitions, variables)
        if isinstance(values, list):
            raise RequestError(BAD_VARIABLE, *(error.message for error in values))
        return values

    def _pick(self, selection: Selection, value: Any) -> Any:
        """The selected part of a value; lists are picked through, odd things pass."""
        if isinstance(value, list):
            return [self._pick(selection, one) for one in value]
        resolve: Resolver = self._resolvers.get(type(value), _of_mapping)
        if resolve is _of_mapping and not isinstance(value, Mapping):
            return value
        kind = next(iter(selection)) if len(selection) == 1 else value.get("__typename", "")
        answer: Json = {}
        for key, name, arguments, part in selection.get(kind, ()):
            if name == "__typename":
                answer[key] = kind
                continue
            found = resolve(value, name, arguments)
            answer[key] = found if part is None else self._pick(part, found)
        return answer


def _of_mapping(value: Mapping[str, Any], name: str, arguments: Mapping[str, Any]) -> Any:
    found = value.get(name)
    return found(arguments) if callable(found) else found


class _Compiler:
    """Turns selection sets into `Selection`s, with fragments and variables put in."""

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, values: VariableValues
    ) -> None:
        self._schema = schema
        self._values = values
        self._fragments = {
            one.name.value: one
            for one in document.definitions
            if isinstance(one, FragmentDefinitionNode)
        }

    def compile(self, kind: Any, sets: Iterable[SelectionSetNode]) -> Selection:
        sets = list(sets)
        kinds = self._schema.get_possible_types(kind) if is_abstract_type(kind) else [kind]
        return {one.name: tuple(self._fields(one, sets)) for one in kinds}

    def _fields(
        self, kind: GraphQLObjectType, sets: Iterable[SelectionSetNode]
    ) -> Iterator[Picked]:
        merged: dict[str, list[FieldNode]] = {}
        for one in sets:
            self._collect(kind, one, merged)
        for key, nodes in merged.items():
            yield self._picked(kind, key, nodes)

    def _picked(self, kind: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> Picked:
        name = nodes[0].name.value
        if name == "__typename":
            return Picked(key, name, {}, None)
        field = kind.fields[name]
        try:
            arguments = get_argument_values(field, nodes[0], self._values)
        except GraphQLError as error:
            raise RequestError(BAD_INPUT, error.message) from None
        inner = get_named_type(field.type)
        if is_leaf_type(inner):
            return Picked(key, name, arguments, None)
        sets = [node.selection_set for node in nodes if node.selection_set]
        return Picked(key, name, arguments, self.compile(inner, sets))

    def _collect(
        self, kind: GraphQLObjectType, sets: SelectionSetNode, into: dict[str, list[FieldNode]]
    ) -> None:
        for node in filter(self._included, sets.selections):
            if isinstance(node, FieldNode):
                key = node.alias.value if node.alias else node.name.value
                into.setdefault(key, []).append(node)
                continue
            fragment: Any = node
            if isinstance(node, FragmentSpreadNode):
                fragment = self._fragments[node.name.value]
            assert isinstance(fragment, InlineFragmentNode | FragmentDefinitionNode)
            condition = fragment.type_condition
            if condition is None or self._applies(condition.name.value, kind):
                self._collect(kind, fragment.selection_set, into)

    def _applies(self, condition: str, kind: GraphQLObjectType) -> bool:
        named: Any = self._schema.get_type(condition)
        if is_abstract_type(named):
            return self._schema.is_sub_type(named, kind)
        return bool(named is kind)

    def _included(self, node: SelectionNode) -> bool:
        skip = get_directive_values(GraphQLSkipDirective, node, self._values)
        include = get_directive_values(GraphQLIncludeDirective, node, self._values)
        return not (skip and skip["if"]) and (include is None or bool(include["if"]))
