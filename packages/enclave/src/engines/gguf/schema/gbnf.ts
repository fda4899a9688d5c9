import { digitsBetween } from './digits.ts'
import { unsupported } from '../../json-schema/refusals.ts'
import type { Dfa } from '../../json-schema/regex/dfa.ts'
import { stateRule } from './pattern-rules.ts'
import type { ParsedSchema, Property, Range, Shape } from './shape.ts'

/**
 * Rules of JSON itself. Between its parts at most a few blanks, so that a weak model cannot fill its answer with space.
 * Escapes never make half a surrogate pair: a length is counted in code points, and what is written must be text.
 */
const BASE: Readonly<Record<string, string>> = {
  value: 'map | list | string | number | "true" | "false" | "null"',
  map: String.raw`"{" ws (pair ("," ws pair)*)? "}"`,
  pair: 'string ":" ws value ws',
  list: String.raw`"[" ws (value ws ("," ws value ws)*)? "]"`,
  string: String.raw`"\"" char* "\""`,
  char: String.raw`[\x20-\x21\x23-\x5B\x5D-\x7E\x80-\uD7FF\uE000-\U0010FFFF] | "\\" (["\\/bfnrt] | "u" ([0-9abcefABCEF] [0-9a-fA-F]{3} | [dD] [0-7] [0-9a-fA-F]{2}))`,
  number: '"-"? int frac? ([eE] [-+]? [0-9]{1,2})?',
  integer: '"-"? int',
  int: '"0" | [1-9] [0-9]{0,14}',
  frac: '"." [0-9]{1,15}',
  ws: String.raw`[ \n]{0,2}`,
  date: '[0-9]{3} [1-9] "-" ("0" [1-9] | "1" [0-2]) "-" ("0" [1-9] | "1" [0-9] | "2" [0-8])',
  time: '([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9] ":" [0-5] [0-9] ("." [0-9]{1,6})? ("Z" | [-+] ([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9])',
  uuid: '[0-9a-f]{8} "-" [0-9a-f]{4} "-" [1-8] [0-9a-f]{3} "-" [89ab] [0-9a-f]{3} "-" [0-9a-f]{12}',
}

/**
 * Rules of one grammar at most, each count and length as many as it counts: llama.cpp makes that many of them. It takes
 * about 0.1 s for all, in which nobody else is served.
 */
const MAX_RULES = 20_000

/** Writes shapes as rules of one grammar. @throws `ENGINE_UNSUPPORTED` for more than a grammar may hold */
export class GrammarWriter {
  private readonly rules: string[] = []
  private readonly used = new Set<string>()
  private size = 0

  /** Text as a grammar says it. */
  static literal(text: string): string {
    const escaped = text.replaceAll(/["\\\n\r\t]/g, (character) => ESCAPES[character]!)
    return `"${escaped}"`
  }

  /** Adds a rule and answers its name. */
  rule(definition: string): string {
    const name = `r${this.rules.length}`
    this.count(1)
    this.rules.push(`${name} ::= ${definition}`)
    return name
  }

  /** Adds a rule of a given name. */
  named(name: string, definition: string): void {
    this.rules.push(`${name} ::= ${definition}`)
  }

  /** The name of a rule that every JSON text of this schema matches, and no other text. */
  schema({ root, definitions }: ParsedSchema): string {
    const names = new Map<string, string>()
    const named = (pointer: string): string => {
      const known = names.get(pointer)
      if (known !== undefined) return known
      const name = `d${this.rules.length}`
      names.set(pointer, name)
      // Its place is taken first, for what refers back to it.
      const at = this.rules.push('') - 1
      this.rules[at] = `${name} ::= ${this.write(definitions.get(pointer)!, named)}`
      return name
    }
    return this.rule(this.write(root, named))
  }

  /** The name of a rule of JSON itself. */
  base(name: string): string {
    if (this.used.has(name)) return name
    this.used.add(name)
    for (const other of Object.keys(BASE))
      if (new RegExp(`\\b${other}\\b`).test(BASE[name]!)) this.base(other)
    return name
  }

  /** The whole grammar. */
  finish(root: string): string {
    const base = [...this.used].map((name) => `${name} ::= ${BASE[name]}`)
    return [`root ::= ${root}`, ...this.rules, ...base, ''].join('\n')
  }

  private write(shape: Shape, named: (pointer: string) => string): string {
    const inner = (one: Shape): string => this.rule(this.write(one, named))
    switch (shape.kind) {
      case 'any':
        return this.base('value')
      case 'ref':
        return named(shape.pointer)
      case 'union':
        return shape.of.map((one) => inner(one)).join(' | ')
      case 'literals':
        return shape.texts.map((text) => GrammarWriter.literal(text)).join(' | ')
      case 'boolean':
        return '"true" | "false"'
      case 'null':
        return '"null"'
      case 'integer':
        return shape.range ? this.bounded(shape.range, false) : this.base('integer')
      case 'number':
        return shape.range ? this.bounded(shape.range, true) : this.base('number')
      case 'string':
        return this.text(shape)
      case 'array':
        return this.array(inner(shape.items), shape.min, shape.max)
      case 'map': {
        const ws = this.base('ws')
        const pair = this.rule(`${this.base('string')} ":" ${ws} ${inner(shape.values)} ${ws}`)
        return `"{" ${ws} (${pair} ("," ${ws} ${pair})*)? "}"`
      }
      case 'object':
        return this.object(shape.properties, inner)
    }
  }

  private text({ min, max, format, automaton }: Extract<Shape, { kind: 'string' }>): string {
    const quote = String.raw`"\""`
    if (automaton !== undefined) return `${quote} ${this.automaton(automaton)} ${quote}`
    if (format === 'date-time') return `${quote} ${this.base('date')} "T" ${this.base('time')} ${quote}`
    if (format !== undefined) return `${quote} ${this.base(format)} ${quote}`
    if (min === 0 && max === undefined) return this.base('string')
    return `${quote} ${this.base('char')}${this.times(min, max)} ${quote}`
  }

  /** A rule for each state: one of them is open at a time, whatever the pattern. */
  private automaton(dfa: Dfa): string {
    const prefix = this.rule('""')
    this.count(dfa.length)
    const name = (state: number): string => `${prefix}-${state}`
    for (const [state, { isEnd, moves }] of dfa.entries())
      this.named(name(state), stateRule(isEnd, moves, name))
    return name(0)
  }

  private array(item: string, min: number, max: number | undefined): string {
    const ws = this.base('ws')
    if (max === 0) return `"[" ${ws} "]"`
    const more = this.rule(`"," ${ws} ${item} ${ws}`)
    const items = `${item} ${ws} ${more}${this.times(Math.max(0, min - 1), max === undefined ? max : max - 1)}`
    return `"[" ${ws} ${min === 0 ? `(${items})?` : items} "]"`
  }

  /** Properties in order. An optional one may be left out, and a comma stands only between two. */
  private object(properties: readonly Property[], inner: (shape: Shape) => string): string {
    const ws = this.base('ws')
    const pairs = properties.map(({ name, shape, isRequired }) => ({
      rule: this.rule(`${GrammarWriter.literal(JSON.stringify(name))} ":" ${ws} ${inner(shape)} ${ws}`),
      isRequired,
    }))
    // From the end: what may follow when something stands before it, and when nothing does.
    let after = ''
    let first = ''
    for (const { rule, isRequired } of pairs.toReversed()) {
      const alone = `${rule} ${after}`.trimEnd()
      first = isRequired || first === '' ? alone : this.rule(`${alone} | ${first}`)
      if (!isRequired && first === alone) first = this.rule(`(${alone})?`)
      const next = `"," ${ws} ${alone}`
      after = isRequired ? next : this.rule(after === '' ? `(${next})?` : `${next} | ${after}`)
    }
    return `"{" ${ws} ${first} "}"`
  }

  private times(min: number, max: number | undefined): string {
    this.count(max ?? min)
    return `{${min},${max ?? ''}}`
  }

  private count(rules: number): void {
    this.size += rules
    if (this.size > MAX_RULES) throw unsupported(`more than ${MAX_RULES} of what it counts, in all,`)
  }

  private bounded({ low, high }: Range, hasFraction: boolean): string {
    const signs: string[] = []
    if (high >= 0) signs.push(this.magnitude(BigInt(Math.max(low, 0)), BigInt(high), hasFraction))
    if (low < 0)
      signs.push(
        `"-" (${this.magnitude(BigInt(Math.max(-high, hasFraction ? 0 : 1)), BigInt(-low), hasFraction)})`,
      )
    return signs.join(' | ')
  }

  private magnitude(low: bigint, high: bigint, hasFraction: boolean): string {
    if (!hasFraction) return digitsBetween(low, high)
    const whole = `${digitsBetween(high, high)} ("." "0"{1,15})?`
    return low === high ? whole : `${digitsBetween(low, high - 1n)} ${this.base('frac')}? | ${whole}`
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': String.raw`\"`,
  '\\': String.raw`\\`,
  '\n': String.raw`\n`,
  '\r': String.raw`\r`,
  '\t': String.raw`\t`,
}
