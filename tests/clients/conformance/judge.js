// What graphql-js says about the documents of documents.js, for a schema in the schema definition language:
//
//   node judge.js schema.graphql
//
// Prints a JSON list. `verdict` is `accepted` if an operation would be executed, else `refused`; `stage` says where it
// was refused. `data` is the answer of resolvers that return one value of each type, for documents with `objects`: it
// names the object that stands for an interface or union.

import { readFileSync } from 'node:fs';
import {
  buildSchema,
  execute,
  getIntrospectionQuery,
  getNamedType,
  getNullableType,
  getOperationAST,
  GraphQLError,
  isEnumType,
  isListType,
  isScalarType,
  parse,
  validate,
} from 'graphql';
import { getVariableValues } from 'graphql/execution/values.js';
import { documents } from './documents.js';

const schema = buildSchema(readFileSync(process.argv[2], 'utf8'));
const judged = documents(getIntrospectionQuery).map((one) => ({ ...one, ...judge(one) }));
process.stdout.write(JSON.stringify(judged));

function judge({ query, variables, operationName, objects }) {
  let document;
  try {
    document = parse(query);
  } catch (error) {
    if (error instanceof GraphQLError) return refused('parse', [error]);
    throw error;
  }
  const errors = validate(schema, document);
  if (errors.length > 0) return refused('validate', errors);
  const operation = operationOf(document, operationName);
  if (!operation) return refused('operation', []);
  const coerced = getVariableValues(schema, operation.variableDefinitions ?? [], variables ?? {});
  if (coerced.errors) return refused('variables', coerced.errors);
  return { verdict: 'accepted', data: objects && answer(document, variables, operationName, objects) };
}

function refused(stage, errors) {
  return { verdict: 'refused', stage, messages: errors.map((error) => error.message) };
}

// As `execute` chooses it: an empty name is a name.
function operationOf(document, name) {
  return name === '' ? null : getOperationAST(document, name);
}

function answer(document, variableValues, operationName, objects) {
  const fieldResolver = (_source, _arguments, _context, info) => value(info.returnType);
  const typeResolver = (_value, _context, _info, type) => objects[type.name];
  return execute({ schema, document, variableValues, operationName, fieldResolver, typeResolver }).data;
}

function value(type) {
  const nullable = getNullableType(type);
  if (isListType(nullable)) return [value(nullable.ofType)];
  const named = getNamedType(nullable);
  if (isEnumType(named)) return named.getValues()[0].value;
  if (isScalarType(named)) return { Int: 1, Float: 1, Boolean: true }[named.name] ?? 'text';
  return {};
}
