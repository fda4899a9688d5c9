import {
  type DeclarationReflection,
  type ParameterReflection,
  ReflectionKind,
  type SignatureReflection,
  type SomeType,
} from 'typedoc'
import { memberWords, parameterName } from './comments.ts'

/** Longest line of code before it is broken. */
const WIDTH = 92

/** A function with all its forms. */
export function callable(child: DeclarationReflection): string {
  return (child.signatures ?? [])
    .map((signature) => `function ${child.name}${callOf(signature, ': ')}`)
    .join('\n')
}

/** An interface, class, type or constant as it is typed, without comments. */
export function declaration(child: DeclarationReflection): string {
  const parameters = typeParameters(child)
  switch (child.kind) {
    case ReflectionKind.Interface:
    case ReflectionKind.Class: {
      const word = child.kind === ReflectionKind.Class ? 'class' : 'interface'
      const above = (child.extendedTypes ?? []).map((type) => type.toString()).join(', ')
      const inside = ownMembers(child).map((member) => `  ${memberLine(member).replaceAll('\n', '\n  ')}`)
      const head = `${word} ${child.name}${parameters}${above === '' ? '' : ` extends ${above}`}`
      return inside.length === 0 ? `${head} {}` : `${head} {\n${inside.join('\n')}\n}`
    }
    case ReflectionKind.TypeAlias:
      return `type ${child.name}${parameters} =${broken(typeOf(child.type))}`
    default:
      return `const ${child.name}: ${typeOf(child.type)}`
  }
}

/** Members with the words above them; those of a type that is an object, too. */
export function membersOf(child: DeclarationReflection): { name: string; words: string }[] {
  if (child.kind === ReflectionKind.Function) return []
  return ownMembers(child).map((member) => ({
    name: member.name,
    words: memberWords(member.signatures?.[0]?.comment ?? member.comment ?? member.getSignature?.comment),
  }))
}

function ownMembers(child: DeclarationReflection): readonly DeclarationReflection[] {
  // What every Error has is known.
  return (child.children ?? []).filter(
    (member) => child.kind !== ReflectionKind.Class || member.inheritedFrom === undefined,
  )
}

function memberLine(member: DeclarationReflection): string {
  const mark = member.flags.isOptional ? '?' : ''
  const [signature] = member.signatures ?? []
  if (member.kind === ReflectionKind.Constructor) return `constructor${callOf(signature!, undefined)}`
  if (signature) return `${member.name}${mark}${callOf(signature, ': ')}`
  const readonly = member.flags.isReadonly ? 'readonly ' : ''
  const type = member.type ?? member.getSignature?.type
  return `${readonly}${member.name}${mark}: ${typeOf(type)}`
}

function callOf(signature: SignatureReflection, result: string | undefined): string {
  const parameters = (signature.parameters ?? []).map((parameter) => parameterOf(parameter))
  const generic = typeParameters(signature)
  const end = result === undefined ? '' : `${result}${typeOf(signature.type)}`
  const line = `${generic}(${parameters.join(', ')})${end}`
  if (line.length <= WIDTH || parameters.length === 0) return line
  return `${generic}(\n${parameters.map((parameter) => `  ${parameter},`).join('\n')}\n)${end}`
}

function parameterOf(parameter: ParameterReflection): string {
  const isOptional = parameter.flags.isOptional || parameter.defaultValue !== undefined
  return `${parameter.flags.isRest ? '...' : ''}${parameterName(parameter)}${isOptional ? '?' : ''}: ${typeOf(parameter.type)}`
}

function typeParameters({ typeParameters: list }: DeclarationReflection | SignatureReflection): string {
  if (!list || list.length === 0) return ''
  const names = list.map(
    (one) =>
      `${one.name}${one.type ? ` extends ${one.type.toString()}` : ''}${one.default ? ` = ${one.default.toString()}` : ''}`,
  )
  return `<${names.join(', ')}>`
}

/** A type as it is written; of those that are written out, the ones with a name that everybody knows. */
function typeOf(type: SomeType | undefined): string {
  const text = type?.toString() ?? 'unknown'
  return text.startsWith('{ (input: RequestInfo') ? 'typeof fetch' : text
}

/** A long union has a line for each of its members. */
function broken(type: string): string {
  const parts = type.split(' | ')
  if (type.length <= WIDTH || parts.length < 3 || /[{(]/.test(type)) return ` ${type}`
  return parts.map((part) => `\n  | ${part}`).join('')
}
