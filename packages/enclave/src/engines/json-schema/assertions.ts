import type { Compiler, Effort, Part } from './check.ts'
import { FORMATS, isOfFormat } from './formats.ts'
import { sayable } from './keywords.ts'
import { type Fields, isFields } from './pointer.ts'
import { refused, unsupported } from './refusals.ts'
import { matches, nfaOf } from './regex/nfa.ts'
import { parseRegex } from './regex/parse.ts'
import { isOfType, isSame } from './same.ts'

const TYPES: readonly unknown[] = ['object', 'array', 'string', 'integer', 'number', 'boolean', 'null']

/** What a keyword of a schema asserts. @throws `ENGINE_UNSUPPORTED` for keywords that are not checked here */
export function assertionsOf(keyword: string, schema: Fields, compiler: Compiler): Part[] {
  const given = schema[keyword]
  const simple = (isFine: (value: unknown) => boolean): Part[] => [
    (value) => (isFine(value) ? undefined : keyword),
  ]
  switch (keyword) {
    case 'type': {
      const types: unknown[] = Array.isArray(given) ? given : [given]
      if (types.length === 0 || !types.every((type) => TYPES.includes(type)))
        throw refused('type is not a type of JSON Schema')
      const each = [...new Set(types)]
      return simple((value) => each.some((type) => isOfType(value, type)))
    }
    case 'const':
      return oneOfValues([given], keyword)
    case 'enum':
      return oneOfValues(listOf(given, keyword), keyword)
    case '$ref':
      return [compiler.referred(given)]
    case 'allOf':
      return schemasOf(given, keyword, compiler)
    case 'anyOf':
      return alternatives(schemasOf(given, keyword, compiler), keyword, Infinity)
    case 'oneOf':
      return alternatives(schemasOf(given, keyword, compiler), keyword, 1)
    case 'not': {
      const part = compiler.part(given)
      return [(value, effort) => (part(value, effort) === undefined ? keyword : undefined)]
    }
    case 'minimum':
      return bounded(given, keyword, isNumber, (value, bound) => value >= bound)
    case 'maximum':
      return bounded(given, keyword, isNumber, (value, bound) => value <= bound)
    case 'exclusiveMinimum':
      return bounded(given, keyword, isNumber, (value, bound) => value > bound)
    case 'exclusiveMaximum':
      return bounded(given, keyword, isNumber, (value, bound) => value < bound)
    case 'minLength':
      return length(given, keyword, (count, bound) => count >= bound)
    case 'maxLength':
      return length(given, keyword, (count, bound) => count <= bound)
    case 'pattern':
      return pattern(given, compiler)
    case 'format':
      if (typeof given !== 'string' || !FORMATS.includes(given))
        throw unsupported(`keyword format, but for ${FORMATS.join(', ')},`)
      return simple((value) => typeof value !== 'string' || isOfFormat(value, given))
    case 'minItems':
      return bounded(given, keyword, isList, (value, bound) => value.length >= bound)
    case 'maxItems':
      return bounded(given, keyword, isList, (value, bound) => value.length <= bound)
    case 'items': {
      const part = compiler.part(given)
      const from = Array.isArray(schema['prefixItems']) ? schema['prefixItems'].length : 0
      return [
        (value, effort) =>
          Array.isArray(value) ? firstBroken(value.slice(from), () => part, effort) : undefined,
      ]
    }
    case 'prefixItems': {
      const parts = schemasOf(given, keyword, compiler)
      return [
        (value, effort) =>
          Array.isArray(value)
            ? firstBroken(value.slice(0, parts.length), (index) => parts[index]!, effort)
            : undefined,
      ]
    }
    case 'minProperties':
      return bounded(given, keyword, isFields, (value, bound, { spend }) => keys(value, spend) >= bound)
    case 'maxProperties':
      return bounded(given, keyword, isFields, (value, bound, { spend }) => keys(value, spend) <= bound)
    case 'required': {
      const names = listOf(given, keyword)
      if (!names.every((name) => isString(name))) throw refused('properties or required are malformed')
      const each = [...new Set(names)] as string[]
      return [
        (value, effort) => {
          if (!isFields(value)) return undefined
          effort.spend(each.length)
          return each.every((name) => Object.hasOwn(value, name)) ? undefined : keyword
        },
      ]
    }
    case 'properties':
      return properties(given, compiler)
    case 'additionalProperties':
      return others(given, schema['properties'], compiler)
    default:
      throw unsupported(sayable(keyword))
  }
}

function properties(given: unknown, compiler: Compiler): Part[] {
  if (!isFields(given)) throw refused('properties or required are malformed')
  const parts = Object.entries(given).map(([name, schema]) => [name, compiler.part(schema)] as const)
  return [
    (value, effort) => {
      if (!isFields(value)) return undefined
      effort.spend(parts.length)
      for (const [name, part] of parts) {
        const broken = Object.hasOwn(value, name) ? part(value[name], effort) : undefined
        if (broken !== undefined) return broken
      }
      return undefined
    },
  ]
}

function others(given: unknown, named: unknown, compiler: Compiler): Part[] {
  const part = compiler.part(given)
  const names = isFields(named) ? named : {}
  return [
    (value, effort) => {
      if (!isFields(value)) return undefined
      const all = Object.keys(value)
      effort.spend(all.length)
      const rest = all.filter((name) => !Object.hasOwn(names, name))
      if (given === false) return rest.length > 0 ? 'additionalProperties' : undefined
      return firstBroken(
        rest.map((name) => value[name]),
        () => part,
        effort,
      )
    },
  ]
}

function pattern(given: unknown, { size }: Compiler): Part[] {
  if (!isString(given)) throw refused('pattern is no regular expression')
  const nfa = nfaOf(parseRegex(given))
  size.add(nfa.moves.length)
  return [
    (value, effort) =>
      typeof value !== 'string' || matches(nfa, value, effort.spend) ? undefined : 'pattern',
  ]
}

function alternatives(parts: readonly Part[], keyword: string, most: number): Part[] {
  return [
    (value, effort) => {
      let fitting = 0
      effort.spend(parts.length)
      for (const part of parts) {
        if (part(value, effort) === undefined) fitting++
        if (fitting === 1 && most === Infinity) return undefined
      }
      return fitting >= 1 && fitting <= most ? undefined : keyword
    },
  ]
}

function oneOfValues(values: readonly unknown[], keyword: string): Part[] {
  return [
    (value, effort) => {
      effort.spend(values.length)
      return values.some((one) => isSame(one, value, effort.spend)) ? undefined : keyword
    },
  ]
}

/** Of a text in code points. To count them costs as much as it is long. */
function length(bound: unknown, keyword: string, isFine: (count: number, bound: number) => boolean): Part[] {
  return bounded(bound, keyword, isString, (value, limit, effort) => {
    effort.spend(value.length)
    return isFine([...value].length, limit)
  })
}

function keys(value: Fields, spend: (steps: number) => void): number {
  const { length: count } = Object.keys(value)
  spend(count)
  return count
}

function bounded<Value>(
  bound: unknown,
  keyword: string,
  isOne: (value: unknown) => value is Value,
  isFine: (value: Value, bound: number, effort: Effort) => boolean,
): Part[] {
  if (!isNumber(bound)) throw refused(`${keyword} is not a number`)
  return [(value, effort) => (!isOne(value) || isFine(value, bound, effort) ? undefined : keyword)]
}

function firstBroken(
  values: readonly unknown[],
  partOf: (index: number) => Part,
  effort: Effort,
): string | undefined {
  effort.spend(values.length)
  for (const [index, value] of values.entries()) {
    const broken = partOf(index)(value, effort)
    if (broken !== undefined) return broken
  }
  return undefined
}

function schemasOf(given: unknown, keyword: string, compiler: Compiler): Part[] {
  if (!Array.isArray(given) || given.length === 0) throw refused(`${keyword} is not a list of schemas`)
  return given.map((schema) => compiler.part(schema))
}

function listOf(given: unknown, keyword: string): readonly unknown[] {
  if (!Array.isArray(given)) throw refused(`${keyword} is not a list`)
  return given
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

function isString(value: unknown): value is string {
  return typeof value === 'string'
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}
