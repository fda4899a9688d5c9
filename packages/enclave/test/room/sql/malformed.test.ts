import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkTemplate } from '../../../src/room/sql/index.ts'
import { parseCsvHeader } from '../../../src/room/sql/csv-header.ts'
import { encodeMessage, encodePiece, FrameReader } from '../../../src/room/sql/frames.ts'
import { parameterValues } from '../../../src/room/sql/parameters.ts'
import { decodeRows } from '../../../src/room/sql/result.ts'
import { encodeRow } from '../../../src/room/sql/rows.ts'
import { parseTree } from '../../../src/room/sql/tree.ts'
import { RULES } from './people.ts'

/** The tree of `SELECT count(*) FROM shop`, with something else in one place. */
function tree(over: Record<string, unknown> = {}, statement: Record<string, unknown> = {}): string {
  const count = {
    class: 'FUNCTION',
    type: 'FUNCTION',
    alias: '',
    function_name: 'count_star',
    schema: '',
    catalog: '',
    children: [],
    filter: null,
    order_bys: { type: 'ORDER_MODIFIER', orders: [] },
    distinct: false,
    is_operator: false,
    export_state: false,
  }
  const from = {
    type: 'BASE_TABLE',
    alias: '',
    sample: null,
    schema_name: '',
    table_name: 'shop',
    column_name_alias: [],
    catalog_name: '',
    at_clause: null,
  }
  const node = {
    type: 'SELECT_NODE',
    modifiers: [],
    cte_map: { map: [] },
    select_list: [count],
    from_table: from,
    where_clause: null,
    group_expressions: [],
    group_sets: [],
    aggregate_handling: 'STANDARD_HANDLING',
    having: null,
    sample: null,
    qualify: null,
    ...over,
  }
  return JSON.stringify({ error: false, statements: [{ node, named_param_map: [], ...statement }] })
}

function codeOf(run: () => unknown): string | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    const { code, found } = error as { code?: string; found?: string }
    return code === 'ROOM_SQL_REFUSED' ? found?.split(':')[0] : (code ?? String(error))
  }
}

describe('a tree', () => {
  it('is taken', () => {
    expect(checkTemplate(tree(), [], RULES).kind).toBe('query')
  })

  it.each([
    ['a member that nobody knows', tree({ secret: 1 }), 'node-list'],
    ['a member of a statement that nobody knows', tree({}, { x: 1 }), 'node-list'],
    ['no list', tree({ select_list: {} }), 'node-list'],
    ['no node', tree({ where_clause: 5 }), 'node-list'],
    ['a node of no class', tree({ where_clause: {} }), 'node-list'],
    ['a class of everybody', tree({ where_clause: { class: '__proto__' } }), 'node-list'],
    ['a class of objects', tree({ where_clause: { class: 'constructor' } }), 'node-list'],
    ['a sample', tree({ sample: { sample_size: 1 } }), 'node-list'],
    ['a kind of query that nobody knows', tree({ type: 'RECURSIVE_CTE_NODE' }), 'node-list'],
    ['no statement', JSON.stringify({ error: false, statements: [] }), 'one-select'],
    ['an error', JSON.stringify({ error: true, error_type: 'parser' }), 'ROOM_SQL_SYNTAX'],
    ['neither', JSON.stringify({ statements: [] }), 'ROOM_SQL_SYNTAX'],
    ['no object', '[]', 'ROOM_SQL_CRASHED'],
    ['no JSON', '{', 'ROOM_SQL_CRASHED'],
    ['depth', '['.repeat(50_000) + ']'.repeat(50_000), 'tree-size'],
    ['many parts', JSON.stringify(Array.from({ length: 300_000 }, () => 0)), 'tree-size'],
    ['length', ' '.repeat(5_000_000), 'tree-size'],
  ])('is refused with %s', (_, text, expected) => {
    expect(codeOf(() => checkTemplate(text, [], RULES))).toBe(expected)
  })

  it('of any JSON ends in a refusal, and in nothing else', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (inner) => {
        const code = codeOf(() =>
          checkTemplate(tree({ where_clause: JSON.parse(inner) as unknown }), [], RULES),
        )
        expect(code === undefined || !code.includes(' ')).toBe(true)
        expect(codeOf(() => parseTree(inner))).toMatch(
          /^(?:ROOM_SQL_(?:SYNTAX|CRASHED)|tree-size|one-select|node-list)$/,
        )
      }),
    )
  })
})

describe('frames', () => {
  it('come out as they went in, however they are cut', () => {
    const part = fc.oneof(
      fc.record({ message: fc.jsonValue() }),
      fc.record({ bytes: fc.uint8Array({ maxLength: 50 }) }),
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), fc.integer({ min: 1, max: 20 }), (frames, step) => {
        const bytes = Buffer.concat(
          frames.map((frame) => ('bytes' in frame ? encodePiece(frame.bytes) : encodeMessage(frame.message))),
        )
        const reader = new FrameReader()
        const found: unknown[] = []
        for (let at = 0; at < bytes.length; at += step)
          found.push(...reader.push(bytes.subarray(at, at + step)))
        const normal = frames.map((frame) =>
          'bytes' in frame
            ? { bytes: Buffer.from(frame.bytes) }
            : { message: JSON.parse(JSON.stringify(frame.message)) as unknown },
        )
        expect(
          found.map((frame) =>
            'bytes' in (frame as object)
              ? { bytes: Buffer.from((frame as { bytes: Uint8Array }).bytes) }
              : frame,
          ),
        ).toEqual(normal)
      }),
    )
  })

  it.each([
    ['no length', [0, 0, 0, 0, 0]],
    ['too great a length', [255, 255, 255, 255, 0]],
    ['another kind', [0, 0, 0, 1, 7]],
    ['no JSON', [0, 0, 0, 2, 0, 0x7b]],
    ['no text', [0, 0, 0, 2, 0, 0xff]],
  ])('are refused with %s', (_, bytes) => {
    expect(codeOf(() => new FrameReader().push(Uint8Array.from(bytes)))).toBe('ROOM_SQL_CRASHED')
  })
})

describe('rows', () => {
  const TYPES = ['integer', 'number', 'text', 'boolean'] as const

  it('come out as they went in', () => {
    const row = fc.tuple(
      fc.option(fc.bigInt({ min: -(2n ** 120n), max: 2n ** 120n })),
      fc.option(fc.double()),
      fc.option(fc.string()),
      fc.option(fc.boolean()),
    )
    fc.assert(
      fc.property(fc.array(row, { maxLength: 4 }), (rows) => {
        const bytes = Buffer.from(rows.map((one) => `${encodeRow(one, TYPES)}\n`).join(''))
        const found = [...decodeRows(bytes, TYPES)].map(([whole, number, ...rest]) => [
          whole === null ? null : BigInt(whole as number | bigint),
          number === null ? null : Number(number),
          ...rest,
        ])
        const expected = rows.map(([whole, number, text, boolean]) => [
          whole,
          number === null ? null : number + 0,
          text?.isWellFormed() === false ? Buffer.from(text).toString() : text,
          boolean,
        ])
        expect(found).toEqual(expected)
      }),
    )
  })

  it.each([
    ['no end', '[1,2,"x",true]'],
    ['a value more', '[1,2,"x",true,5]\n'],
    ['a value less', '[1]\n'],
    ['another type', '["1",2,"x",true]\n'],
    ['a list in a value', '[1,2,["x"],true]\n'],
    ['a word for a number', '[1,"x","x",true]\n'],
    ['no JSON', 'x\n'],
    ['an object', '{}\n'],
    ['an empty line', '\n'],
  ])('are refused with %s', (_, text) => {
    expect(codeOf(() => [...decodeRows(Buffer.from(text), TYPES)])).toBe('ROOM_SQL_CRASHED')
  })
})

describe('arguments', () => {
  it.each([
    ['boolean', 'yes'],
    ['boolean', ''],
    ['integer', '1.5'],
    ['integer', '1e3'],
    ['integer', '99999999999999999'],
    ['integer', ' 1'],
    ['number', 'NaN'],
    ['number', '1e5'],
    ['number', '0x10'],
    ['date', '2026-1-1'],
    ['date', `2026-01-01'`],
  ] as const)('of type %s are refused as %j', (type, value) => {
    const given = [{ name: 'p', value }]
    expect(codeOf(() => parameterValues([{ name: 'p', type }], given))).toBe('ROOM_SQL_ARGUMENT')
  })

  it('are refused where one is missing, twice there, or another', () => {
    const parameters = [{ name: 'p', type: 'text' }] as const
    for (const names of [[], ['p', 'p'], ['q'], ['p', 'q']])
      expect(
        codeOf(() =>
          parameterValues(
            parameters,
            names.map((name) => ({ name, value: 'x' })),
          ),
        ),
      ).toBe('ROOM_SQL_ARGUMENT')
  })

  it('say nothing of a value', () => {
    try {
      parameterValues([{ name: 'p', type: 'integer' }], [{ name: 'p', value: 'secret' }])
    } catch (error) {
      expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('secret')
    }
  })
})

describe('the header of CSV', () => {
  it.each([
    ['a,b\n1', ['a', 'b']],
    ['"a","b"\r\n', ['a', 'b']],
    ['a,b', undefined],
    ['a;b\n', undefined],
    ['"a,b"\n', undefined],
    ['\uFEFFa,b\n', undefined],
    ['a,\n', undefined],
    ['\n', undefined],
  ])('%j', (text, expected) => {
    expect(parseCsvHeader(Buffer.from(text))).toEqual(expected)
  })
})
