import { refused, unsupported } from '../refusals.ts'
import { type CodeRange, codeSet, type CodeSet, complement, EVERY } from './ranges.ts'

/** A regular expression without anchors: it speaks of whole texts. */
export type Regex =
  | { readonly kind: 'set'; readonly set: CodeSet }
  | { readonly kind: 'sequence'; readonly of: readonly Regex[] }
  | { readonly kind: 'choice'; readonly of: readonly Regex[] }
  | { readonly kind: 'repeat'; readonly of: Regex; readonly min: number; readonly max: number | undefined }

const MAX_LENGTH = 1000
const MAX_DEPTH = 32
const MAX_COUNT = 1000

/** Anything, any number of times: what an expression without an anchor has at that side. */
const ANYTHING: Regex = { kind: 'repeat', of: { kind: 'set', set: EVERY }, min: 0, max: undefined }

/** ECMA-262 Section 12.3: `.` stops at them. */
const LINE_ENDS: CodeSet = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x20_28, 0x20_29],
]
const DIGITS: CodeSet = [[0x30, 0x39]]
const WORDS: CodeSet = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
]
/** ECMA-262 Section 12.2 and 12.3. */
const SPACES: CodeSet = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x16_80, 0x16_80],
  [0x20_00, 0x20_0a],
  [0x20_28, 0x20_29],
  [0x20_2f, 0x20_2f],
  [0x20_5f, 0x20_5f],
  [0x30_00, 0x30_00],
  [0xfe_ff, 0xfe_ff],
]
const CLASSES: Readonly<Record<string, CodeSet>> = {
  d: DIGITS,
  D: complement(DIGITS),
  w: WORDS,
  W: complement(WORDS),
  s: SPACES,
  S: complement(SPACES),
}
const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, 0: 0 }
const HEX: Readonly<Record<string, RegExp>> = {
  x: /^[0-9a-fA-F]{2}/,
  u: /^[0-9a-fA-F]{4}/,
}

/**
 * Reads the `pattern` of a schema, which a client controls: the regular part of ECMA-262 expressions with the flag `u`
 * (characters, classes, groups, alternatives, counts). `^` and `$` stand at the ends of the whole expression or of one of
 * its outer alternatives; where they are missing, anything may stand.
 *
 * @throws `ENGINE_UNSUPPORTED` naming what is not regular or not read, `ENGINE_INPUT` for what is no expression
 */
export function parseRegex(text: string): Regex {
  if (text.length > MAX_LENGTH) throw unsupported(`keyword pattern of more than ${MAX_LENGTH} characters`)
  return new Parser([...text]).whole()
}

class Parser {
  private readonly text: readonly string[]
  private at = 0

  constructor(text: readonly string[]) {
    this.text = text
  }

  whole(): Regex {
    const of: Regex[] = []
    do {
      const isFromStart = this.take('^')
      const body = this.sequence(0)
      const isToEnd = this.take('$')
      of.push({
        kind: 'sequence',
        of: [...(isFromStart ? [] : [ANYTHING]), body, ...(isToEnd ? [] : [ANYTHING])],
      })
    } while (this.take('|'))
    if (this.next === ')') throw malformed()
    if (this.next !== undefined) throw unsupported('keyword pattern with an anchor inside')
    return { kind: 'choice', of }
  }

  private get next(): string | undefined {
    return this.text[this.at]
  }

  private take(character: string): boolean {
    if (this.next !== character) return false
    this.at++
    return true
  }

  private choice(depth: number): Regex {
    if (depth > MAX_DEPTH) throw refused(`pattern nests deeper than ${MAX_DEPTH}`)
    const of: Regex[] = []
    do of.push(this.sequence(depth))
    while (this.take('|'))
    return { kind: 'choice', of }
  }

  private sequence(depth: number): Regex {
    const of: Regex[] = []
    while (this.next !== undefined && !['|', ')', '$'].includes(this.next)) of.push(this.counted(depth))
    return { kind: 'sequence', of }
  }

  private counted(depth: number): Regex {
    const of = this.atom(depth)
    const count = this.count()
    if (count === undefined) return of
    // Lazy or not, the same texts match.
    this.take('?')
    if (['*', '+', '?'].includes(this.next ?? '')) throw malformed()
    return { kind: 'repeat', of, min: count[0], max: count[1] }
  }

  private count(): [number, number | undefined] | undefined {
    if (this.take('*')) return [0, undefined]
    if (this.take('+')) return [1, undefined]
    if (this.take('?')) return [0, 1]
    if (this.next !== '{') return undefined
    const found = /^\{(\d{1,9})(,(\d{0,9}))?\}/.exec(this.ahead(24))
    if (found === null) throw malformed()
    this.at += found[0].length
    const min = Number(found[1])
    const max = found[2] === undefined ? min : found[3] === '' ? undefined : Number(found[3])
    if (max !== undefined && max < min) throw malformed()
    if ((max ?? min) > MAX_COUNT) throw unsupported(`keyword pattern with a count above ${MAX_COUNT}`)
    return [min, max]
  }

  private atom(depth: number): Regex {
    const character = this.text[this.at++]!
    switch (character) {
      case '(':
        return this.group(depth)
      case '[':
        return { kind: 'set', set: this.characterClass() }
      case '.':
        return { kind: 'set', set: complement(LINE_ENDS) }
      case '\\':
        return { kind: 'set', set: this.escape() }
      case '^':
        throw unsupported('keyword pattern with an anchor inside')
      case '*':
      case '+':
      case '?':
      case '{':
      case '}':
      case ']':
        throw malformed()
      default:
        return { kind: 'set', set: one(character.codePointAt(0)!) }
    }
  }

  private group(depth: number): Regex {
    if (this.take('?')) {
      const name = /^<[A-Za-z_$][\w$]*>/.exec(this.ahead(128))
      if (name !== null) this.at += name[0].length
      else if (!this.take(':')) throw unsupported('keyword pattern with a look around or with flags')
    }
    const inner = this.choice(depth + 1)
    if (this.next === '$') throw unsupported('keyword pattern with an anchor inside')
    if (!this.take(')')) throw malformed()
    return inner
  }

  private characterClass(): CodeSet {
    const isNegated = this.take('^')
    const ranges: CodeRange[] = []
    while (!this.take(']')) {
      const first = this.classPart()
      const isRange = this.next === '-' && this.text[this.at + 1] !== ']'
      if (!isRange) {
        ranges.push(...first)
        continue
      }
      this.at++
      const last = this.classPart()
      const [low, high] = [single(first), single(last)]
      if (low === undefined || high === undefined || low > high) throw malformed()
      ranges.push([low, high])
    }
    return isNegated ? complement(codeSet(ranges)) : codeSet(ranges)
  }

  private classPart(): CodeSet {
    const character = this.text[this.at++]
    if (character === undefined) throw malformed()
    if (character !== '\\') return one(character.codePointAt(0)!)
    if (this.take('b')) return one(8)
    return this.take('-') ? one(0x2d) : this.escape()
  }

  /** What stands behind a backslash. */
  private escape(): CodeSet {
    const character = this.text[this.at++]
    if (character === undefined) throw malformed()
    const known = CLASSES[character]
    if (known !== undefined) return known
    if (/[1-9k]/.test(character)) throw unsupported('keyword pattern with a reference back')
    if (/[bB]/.test(character)) throw unsupported('keyword pattern with a word boundary')
    if (/[pPc]/.test(character)) throw unsupported(`keyword pattern with \\${character}`)
    if (character === '0' && /^\d/.test(this.ahead(1))) throw malformed()
    const control = CONTROLS[character]
    if (control !== undefined) return one(control)
    if (character === 'u' || character === 'x') return one(this.hexadecimal(character))
    if (!/[\^$\\.*+?()[\]{}|/]/.test(character)) throw malformed()
    return one(character.codePointAt(0)!)
  }

  private hexadecimal(kind: 'u' | 'x'): number {
    const braced = kind === 'u' ? /^\{([0-9a-fA-F]{1,6})\}/.exec(this.ahead(8)) : null
    const digits = braced?.[0] ?? HEX[kind]!.exec(this.ahead(4))?.[0]
    if (digits === undefined) throw malformed()
    this.at += digits.length
    const code = Number.parseInt(braced?.[1] ?? digits, 16)
    if (code > 0x10_ff_ff) throw malformed()
    const isHigh = kind === 'u' && code >= 0xd8_00 && code <= 0xdb_ff && braced === null
    const low = isHigh ? /^\\u([dD][c-fC-F][0-9a-fA-F]{2})/.exec(this.ahead(6)) : null
    if (low === null) return code
    this.at += 6
    return 0x1_00_00 + ((code - 0xd8_00) << 10) + (Number.parseInt(low[1]!, 16) - 0xdc_00)
  }

  private ahead(length: number): string {
    return this.text.slice(this.at, this.at + length).join('')
  }
}

function one(code: number): CodeSet {
  return [[code, code]]
}

function single(set: CodeSet): number | undefined {
  return set.length === 1 && set[0]![0] === set[0]![1] ? set[0]![0] : undefined
}

function malformed(): Error {
  return refused('pattern is no regular expression')
}
