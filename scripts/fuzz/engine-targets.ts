import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { parseGguf, parseLoraAdapter } from '@sotto/protocol/gguf'
import { checkGgufHeader } from '../../packages/enclave/src/engines/gguf/header.ts'
import { parseSchema } from '../../packages/enclave/src/engines/gguf/schema/parse.ts'
import { compileCheck } from '../../packages/enclave/src/engines/json-schema/check.ts'
import { dfaOf } from '../../packages/enclave/src/engines/json-schema/regex/dfa.ts'
import { nfaOf } from '../../packages/enclave/src/engines/json-schema/regex/nfa.ts'
import { parseRegex } from '../../packages/enclave/src/engines/json-schema/regex/parse.ts'
import { parser, type Target } from './target.ts'

/** What engines read of owners and clients before anything else does: heads of model files, patterns, schemas. */
export const engineTargets: readonly Target[] = [
  parser('gguf file of an engine', ggufs, (bytes) =>
    checkGgufHeader((position, length) => bytes.slice(position, position + length), bytes.length),
  ),
  parser('gguf model to train', ggufs, (bytes) => void parseGguf(bytes)),
  parser('lora adapter', ggufs, (bytes) => void parseLoraAdapter(bytes)),
  parser('pattern', patterns, (bytes) => {
    const text = textOf(bytes)
    if (text !== undefined) dfaOf(nfaOf(parseRegex(text)))
  }),
  parser('merged schema', schemas, (bytes) => {
    const schema = jsonOf(bytes)
    if (schema !== undefined) parseSchema(schema)
  }),
  parser('checked answer', schemas, (bytes) => {
    const schema = jsonOf(bytes)
    if (schema === undefined) return
    const check = compileCheck(schema)
    // Any value will do, the schema itself is one that nests.
    for (const value of [schema, { kind: 'a', id: 3, tags: ['x1'] }, [[[]]], 'abc']) check(value)
  }),
]

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return fromUtf8(bytes)
  } catch {
    return undefined
  }
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(bytes)) as unknown
  } catch {
    return undefined
  }
}

function patterns(): Uint8Array[] {
  return ['^[a-z0-9_.-]{2,40}$', '^(?:\\d{4}-[A-F]{2}|x+y*?)$|z', '[^\\]\\u{1F600}-\\u{1F602}]+\\.'].map(utf8)
}

function schemas(): Uint8Array[] {
  const base = { type: 'object', properties: { id: { type: 'integer', minimum: 1 } }, required: ['id'] }
  const list = { type: 'array', items: { type: 'string', pattern: '^x[0-9]$' }, maxItems: 3 }
  return [
    {
      $defs: { base },
      allOf: [{ $ref: '#/$defs/base' }, { properties: { id: { maximum: 9 }, tags: list } }],
    },
    {
      oneOf: ['a', 'b'].map((kind) => ({
        type: 'object',
        properties: { kind: { const: kind } },
        required: ['kind'],
      })),
    },
    { $defs: { t: { type: 'array', items: { $ref: '#/$defs/t' } } }, $ref: '#/$defs/t', minItems: 1 },
  ].map((schema) => utf8(JSON.stringify(schema)))
}

function ggufs(): Uint8Array[] {
  const u32 = (value: number): Buffer => Buffer.from(Uint32Array.of(value).buffer)
  const u64 = (value: number): Buffer => Buffer.from(BigUint64Array.of(BigInt(value)).buffer)
  const text = (value: string): Buffer => Buffer.concat([u64(value.length), Buffer.from(value)])
  const head = [Buffer.from('GGUF'), u32(3), u64(1), u64(3)]
  const entries = [
    text('a.name'),
    u32(8),
    text('story'),
    text('a.words'),
    u32(9),
    u32(8),
    u64(2),
    text('a'),
    text('b'),
    text('a.size'),
    u32(4),
    u32(7),
  ]
  const tensor = [text('w'), u32(2), u64(2), u64(3), u32(0), u64(0)]
  return [Buffer.concat([...head, ...entries, ...tensor, Buffer.alloc(64)])]
}
