import { SottoError } from '@sotto/protocol/errors'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { stringify } from 'yaml'
import { type DeploymentFile, parseDeploymentFile } from '../../../src/deploy/file/index.ts'
import { CLUSTER } from '../documents.ts'

const SLOW = process.env['SLOW'] ? 20 : 1
const PATH = '/deployments/notes/sotto.yaml'

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,62}$/)
/** Neither what the enclave sets itself nor what is set twice. */
const variable = fc.stringMatching(/^X[A-Z0-9_]{0,20}$/)
const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((one) => !one.includes('\0'))
const word = fc.stringMatching(/^[a-z0-9./_:=@%+-]{1,20}$/)

const app = fc.record(
  {
    code: fc.constantFrom('./app', '/srv/app', 'deep/er/app'),
    command: fc.oneof(
      fc.array(text, { minLength: 1, maxLength: 5 }),
      fc.array(word, { minLength: 1, maxLength: 5 }),
    ),
    sealed: fc.boolean(),
    port: fc.integer({ min: 1024, max: 65_535 }),
    health: fc.record(
      { path: fc.stringMatching(/^\/[a-z0-9._~-]{1,20}$/), startSeconds: fc.integer({ min: 1, max: 900 }) },
      { requiredKeys: [] },
    ),
    env: fc.dictionary(variable, fc.oneof(text, fc.constant('')), { maxKeys: 5 }),
    memory: fc.oneof(
      fc.integer({ min: 64, max: 1024 }).map((mib) => `${mib}MiB`),
      fc.constant(2 ** 30),
    ),
  },
  { requiredKeys: ['code', 'command'] },
)

const file = fc.record(
  {
    name,
    target: fc.constantFrom('local', 'compose', 'kubernetes', 'aci'),
    models: fc.array(fc.constantFrom('sotto-extractive', './models/a', '/srv/b'), { maxLength: 3 }),
    aliases: fc.dictionary(
      fc.stringMatching(/^[A-Za-z0-9][\w./:-]{0,20}$/),
      fc.constant('sotto-extractive'),
      { maxKeys: 4 },
    ),
    app,
    tests: fc.array(text, { minLength: 1, maxLength: 4 }),
    resources: fc.record(
      {
        replicas: fc.integer({ min: 1, max: 8 }),
        cpu: fc.integer({ min: 1, max: 256 }),
        memory: fc.constantFrom('1GiB', '16GB'),
      },
      { requiredKeys: [] },
    ),
    expires: fc.constantFrom('2030-01-31', '2030-01-31T12:00:00Z', '2030-01-31T12:00:00+02:00'),
    cluster: fc.constant(CLUSTER),
  },
  { requiredKeys: ['name'] },
)

it('takes what is written, in the YAML of a library and as JSON, and both say the same', () => {
  fc.assert(
    fc.property(file, (given) => {
      const decoded = parseDeploymentFile(stringify(given, { aliasDuplicateObjects: false }), PATH)
      expect(parseDeploymentFile(JSON.stringify(given), PATH)).toEqual(decoded)
      expect(decoded.name).toBe(given.name)
      expect(decoded.app?.command).toEqual(given.app?.command)
      expect(decoded.app?.env).toEqual(given.app && (given.app.env ?? {}))
      expect(decoded.aliases).toEqual(given.aliases ?? {})
      for (const place of [...(decoded.models ?? []), decoded.app?.code ?? '/'])
        expect(place).toMatch(/^(?:\/|sotto-)/)
    }),
    { numRuns: 100 * SLOW },
  )
})

it('reads a command the same as a line and as a list', () => {
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 8 }), (words) => {
      const read = (tests: string | string[]): string[] | undefined =>
        parseDeploymentFile(JSON.stringify({ name: 'a', tests }), PATH).tests
      expect(read(words.join(' '))).toEqual(words)
      expect(read(words)).toEqual(words)
    }),
    { numRuns: 100 * SLOW },
  )
})

/** Decodes, or is refused by name; nothing else ever comes out. */
function outcome(source: string): DeploymentFile | undefined {
  try {
    return parseDeploymentFile(source, PATH)
  } catch (error) {
    expect(error).toBeInstanceOf(SottoError)
    expect(error).toMatchObject({ code: 'DEPLOY_FILE', action: 'fix-input' })
    return undefined
  }
}

it('refuses any other text by name, and repeats no value of it', () => {
  const MARK = 'hunter2/hunter2+hunter2='
  const source = stringify({
    name: 'notes',
    aliases: { a: 'b' },
    app: { code: './app', command: ['node', MARK], env: { A: MARK }, secrets: { KEY: { env: 'KEY' } } },
  })
  const character = fc.constantFrom(...' \n\t:-?[]{},#&*!|>\'"%@`\\\0\u0085\u2028\ufeffaZ0~<')
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(source.length - 1), fc.nat(3), fc.string({ unit: character, maxLength: 4 })), {
        minLength: 1,
        maxLength: 4,
      }),
      (edits) => {
        let changed = source
        for (const [at, removed, put] of edits)
          changed = changed.slice(0, at) + put + changed.slice(at + removed)
        try {
          parseDeploymentFile(changed, PATH)
        } catch (error) {
          const { code, message, expected, found, hint } = error as SottoError
          expect(code).toBe('DEPLOY_FILE')
          // A name of a member may be shown: then what was moved there stands behind `is malformed`'s path.
          const said = [
            expected,
            found,
            hint,
            message.replace(/^.*? (?=is malformed|expected|there is|this|larger)/s, ''),
          ]
          expect(said.join('\n')).not.toContain(MARK)
        }
      },
    ),
    { numRuns: 400 * SLOW },
  )
})

it('survives anything at all', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (source) => void outcome(source)),
    { numRuns: 300 * SLOW },
  )
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => void outcome(JSON.stringify(value))),
    { numRuns: 300 * SLOW },
  )
})
