import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseDeploymentFile, readDeploymentFile } from '../../../src/deploy/file/index.ts'
import { CLUSTER, refusalOf } from '../documents.ts'

/** Something that stands where it should not, and may be a secret: no error repeats it. */
const SECRET = 'hunter2-hunter2'

const yaml = (...lines: string[]): string => ['name: notes', ...lines, ''].join('\n')
/** YAML is a superset of JSON, so objects are written as that. */
const withApp = (app: object): string =>
  yaml(`app: ${JSON.stringify({ code: './app', command: ['run'], ...app })}`)
const withCluster = (change: object): string => yaml(`cluster: ${JSON.stringify({ ...CLUSTER, ...change })}`)
const withLog = (change: object): string => withCluster({ log: { ...CLUSTER.log, ...change } })

describe('what is no plain YAML', () => {
  it.each<[string, string, RegExp]>([
    [
      'an alias',
      yaml('app: {code: &here ./app, command: run}', 'policy: *here'),
      /an a(?:lias|nchor) at line 2/,
    ],
    ['an alias of nothing', yaml(`policy: *${SECRET}`), /alias at line 2, column 9/],
    ['an anchor that nothing names', yaml(`policy: &${SECRET} x`), /an anchor at line 2/],
    ['a merge key', yaml('<<: {target: local}'), /<< is malformed/],
    ['a member twice', yaml('target: local', 'target: compose'), /stands there already at line 3/],
    [
      'a member twice, in two spellings',
      yaml('aliases:', '  "10": a', '  10: b'),
      /stands there already at line 4/,
    ],
    ['a nested member twice', yaml('app: {code: a, code: b}'), /stands there already/],
    ['a tag', yaml(`policy: !${SECRET} x`), /a tag at line 2/],
    ['a known tag', yaml('policy: !!str x'), /a tag at line 2/],
    ['a tag that makes an object of a set', yaml('resources: !!set {replicas}'), /a tag at line 2/],
    ['a tag that makes bytes of text', yaml('policy: !!binary aGk='), /a tag at line 2/],
    ['a tag without a name', yaml('policy: ! x'), /a tag at line 2/],
    ['a tag of a whole document', '!!map {name: notes}', /a tag at line 1/],
    ['a directive that is unknown', `%${SECRET} x\n---\nname: notes`, /a directive at line 1/],
    ['two documents', `name: notes\n---\nname: other`, /a second document/],
    ['a name of a member that is a list', `? [a, ${SECRET}]\n: b`, /name is no text/],
    ['a tab', 'name: notes\nresources:\n\treplicas: 1', /a tab in the indentation/],
    ['a quote without end', yaml(`policy: "${SECRET}`), /without its end/],
    ['text behind a quote', yaml(`policy: "x" ${SECRET}`), /something that is no YAML/],
    ['a block with a strange head', yaml(`policy: |${SECRET}`, '  x'), /something that is no YAML/],
    ['two colons in one line', yaml(`policy: ${SECRET}: x`), /a second colon/],
    ['text that begins with @', yaml(`policy: @${SECRET}`), /needs quotes/],
    ['an escape that there is not', yaml(`policy: "\\q${SECRET}"`), /an escape that there is not/],
    ['a bracket without end', yaml(`models: [${SECRET}`), /without its end/],
  ])('%s is refused, with its place', (_what, text, why) => {
    expect(refusalOf(text, SECRET).message).toMatch(why)
  })

  it.each([
    ['lists', (n: number) => `name: ${'['.repeat(n)}${']'.repeat(n)}`],
    ['lists without end', (n: number) => `name: ${'['.repeat(n)}`],
    ['objects', (n: number) => `name: ${'{a: '.repeat(n)}1${'}'.repeat(n)}`],
  ])('%s in one another are refused, however deep', (_what, nest) => {
    for (const depth of [17, 64, 1000, 9000])
      expect(refusalOf(nest(depth)).message).toMatch(/too deep|without its end/)
  })

  it('more than 64 KiB is refused, whatever it is', () => {
    expect(refusalOf(`name: notes\n# ${'x'.repeat(65_536)}`).message).toMatch(/too large/)
    expect(refusalOf(`name: notes\n# ${'ä'.repeat(33_000)}`).message).toMatch(/too large/)
    expect(parseDeploymentFile(`name: notes\n# ${'x'.repeat(65_000)}`, '/a/sotto.yaml').name).toBe('notes')
  })
})

describe('what lies in the file', () => {
  it.each<[string, string, RegExp]>([
    ['nothing', '', /^name is malformed/],
    ['a comment alone', '# nothing', /^name is malformed/],
    ['a list', '- name: notes', /^the file is malformed/],
    ['text', SECRET, /^the file is malformed/],
    ['an unknown member', yaml(`${SECRET}: 1`), /is malformed/],
    ['__proto__', yaml('__proto__: {target: aci}'), /^__proto__ is malformed/],
    ['constructor', yaml('constructor: {}'), /^constructor is malformed/],
    ['toString, deeper', yaml('resources: {toString: 1}'), /^resources\.toString is malformed/],
    ['a name that is a number', 'name: 1e3', /^name is malformed/],
    ['a name that is nothing', 'name: ~', /^name is malformed/],
    ['a name with capitals', 'name: Notes', /^name is malformed/],
    ['a name that climbs', 'name: ../../etc', /^name is malformed/],
    ['a name of 64 characters', `name: ${'a'.repeat(64)}`, /^name is malformed/],
    ['an unknown target', yaml('target: heroku'), /^target is malformed/],
    ['models as text', yaml('models: a'), /^models is malformed/],
    ['a model that is a number', yaml('models: [10]'), /^models\[0\]: expected text, so put it in quotes/],
    [
      'a model with a NUL',
      yaml('models: ["./a\\0b"]'),
      /^models\[0\]: expected text that a process can be given/,
    ],
    ['an alias that is no name', yaml('aliases: {"a b": c}'), /^aliases: "a b" is no name/],
    ['an alias __proto__', yaml('aliases: {__proto__: c}'), /^aliases: "__proto__" is no name/],
    ['an alias of what is no model', yaml('aliases: {a: "B C"}'), /^aliases\.a is malformed/],
    [
      '65 aliases',
      yaml(`aliases: {${Array.from({ length: 65 }, (_, n) => `a${n}: b`).join(', ')}}`),
      /at most 64/,
    ],
    ['no replicas', yaml('resources: {replicas: 0}'), /^resources\.replicas is malformed/],
    ['replicas as text', yaml('resources: {replicas: "2"}'), /^resources\.replicas is malformed/],
    ['half a replica', yaml('resources: {replicas: 1.5}'), /^resources\.replicas is malformed/],
    ['a size without unit', yaml('resources: {memory: "512"}'), /^resources\.memory: expected a size/],
    ['a size in TiB', yaml('resources: {memory: 1TiB}'), /^resources\.memory: expected a size/],
    ['a size in a list', yaml('resources: {memory: [8GiB]}'), /^resources\.memory: expected a size/],
    ['a size that is too small', yaml('resources: {memory: 1MiB}'), /^resources\.memory: expected a size/],
    [
      'a size that is secret',
      yaml(`resources: {memory: "${SECRET}!"}`),
      /^resources\.memory: expected a size/,
    ],
    ['tests with quotes', yaml(`tests: sh -c "node ${SECRET}"`), /^tests: there is no shell/],
    ['tests with two spaces', yaml('tests: node  test.mjs'), /^tests: there is no shell/],
    ['tests without a word', yaml('tests: []'), /^tests is malformed/],
    ['a date that there is not', yaml('expires: 2027-02-30'), /^expires: expected a date/],
    ['a time without zone', yaml('expires: 2027-01-31T12:00:00'), /^expires: expected a date/],
    ['a year as a number', yaml('expires: 2027'), /^expires: expected a date/],
    ['the hour 24', yaml('expires: 2027-01-31T24:00:00Z'), /^expires: expected a date/],
    ['a time before 1970', yaml('expires: 1969-01-31'), /^expires: expected a date/],
    [
      'a time beyond the last year',
      yaml('expires: "9999-12-31T23:59:59-12:00"'),
      /^expires: expected a date/,
    ],
    ['a policy that is a list', yaml('policy: [a]'), /^policy is malformed/],
  ])('%s is refused by its name', (what, text, why) => {
    expect(refusalOf(text, what === 'an unknown member' ? undefined : SECRET).message).toMatch(why)
  })

  it.each<[string, object, RegExp]>([
    ['no command', { command: undefined }, /^app\.command/],
    ['a command with a variable', { command: `node $${SECRET}` }, /^app\.command: there is no shell/],
    [
      'a command with a number',
      { command: ['sleep', 10] },
      /^app\.command\[1\]: expected text, so put it in quotes/,
    ],
    ['a command with NUL', { command: ['a\0b'] }, /^app\.command\[0\]: expected text that a process/],
    [
      'a command with half a character',
      { command: ['a\ud800'] },
      /^app\.command\[0\]: expected text that a process/,
    ],
    ['65 words', { command: Array.from({ length: 65 }, () => 'a') }, /^app\.command is malformed/],
    ['a port below 1024', { port: 80 }, /^app\.port/],
    ['a port as text', { port: '8080' }, /^app\.port/],
    ['sealed: yes', { sealed: 'yes' }, /^app\.sealed/],
    ['a health path without slash', { health: { path: 'health' } }, /^app\.health\.path/],
    ['a health path that is a host', { health: { path: '//evil' } }, /^app\.health\.path/],
    ['a health path with a query', { health: { path: '/h?x' } }, /^app\.health\.path/],
    ['no time to start', { health: { startSeconds: 0 } }, /^app\.health\.startSeconds/],
    ['a variable in small letters', { env: { debug: 'x' } }, /^app\.env: "debug" is no name/],
    [
      'a variable __proto__',
      JSON.parse('{"env": {"__proto__": "x"}}') as object,
      /^app\.env: "__proto__" is no name/,
    ],
    [
      'a variable that is true',
      { env: { DEBUG: true } },
      /^app\.env\.DEBUG: expected text, so put it in quotes/,
    ],
    [
      'a variable that is nothing',
      { env: { DEBUG: null } },
      /^app\.env\.DEBUG: expected text, so put it in quotes/,
    ],
    ['a variable with NUL', { env: { A: `${SECRET}\0` } }, /^app\.env\.A: expected text that a process/],
    ['a variable of 32 KiB and more', { env: { A: SECRET.repeat(4000) } }, /^app\.env\.A is malformed/],
    ...[
      'PORT',
      'HOME',
      'PATH',
      'TMPDIR',
      'OPENAI_BASE_URL',
      'OPENAI_API_KEY',
      'NODE_OPTIONS',
      'LD_PRELOAD',
      'SOTTO_X',
    ].map((name): [string, object, RegExp] => [
      `the variable ${name}`,
      { env: { [name]: SECRET } },
      new RegExp(`^app\\.env\\.${name}: this variable`),
    ]),
    ['the secret PATH', { secrets: { PATH: { env: 'A' } } }, /^app\.secrets\.PATH: this variable/],
    [
      'a secret that is a variable, too',
      { env: { A: 'x' }, secrets: { A: { env: 'A' } } },
      /^app\.secrets\.A: this variable is set in env already/,
    ],
    ['a secret in clear', { secrets: { A: SECRET } }, /^app\.secrets\.A is malformed/],
    ['a secret under value', { secrets: { A: { value: SECRET } } }, /^app\.secrets\.A\.value is malformed/],
    ['a secret from nowhere', { secrets: { A: {} } }, /^app\.secrets\.A: expected where its value is read/],
    [
      'a secret from two places',
      { secrets: { A: { env: 'A', file: 'a' } } },
      /^app\.secrets\.A: expected where its value is read/,
    ],
    [
      'a secret from what is no variable',
      { secrets: { A: { env: `${SECRET}=` } } },
      /^app\.secrets\.A\.env is malformed/,
    ],
    [
      'a secret that lies in the code',
      { secrets: { A: { file: './app/key' } } },
      /^app\.secrets\.A\.file: it lies in the folder of the code/,
    ],
    [
      'a secret that lies in the code, which is all',
      { code: '.', secrets: { A: { file: 'key' } } },
      /^app\.secrets\.A\.file: it lies/,
    ],
    [
      'a secret in the code by a detour',
      { secrets: { A: { file: 'x/../app/deep/key' } } },
      /^app\.secrets\.A\.file: it lies/,
    ],
    ['memory that no app starts with', { memory: '1MiB' }, /^app\.memory: expected a size/],
    ['an unknown member', { image: 'x' }, /^app\.image is malformed/],
  ])('an app with %s is refused by its name', (_what, app, why) => {
    expect(refusalOf(withApp(app), SECRET).message).toMatch(why)
  })

  it('a secret may lie beside the code, also where the names begin alike', () => {
    const { app } = parseDeploymentFile(
      withApp({ secrets: { A: { file: './app-keys/a' } } }),
      '/d/sotto.yaml',
    )
    expect(app!.secrets).toEqual({ A: { file: '/d/app-keys/a' } })
  })

  const twice = CLUSTER.members.ada
  it.each<[string, string, RegExp]>([
    [
      'an image by tag',
      withCluster({ images: { ...CLUSTER.images, kms: 'registry.example/kms:1' } }),
      /^cluster\.images\.kms/,
    ],
    ['an image too few', withCluster({ images: { kms: CLUSTER.images.kms } }), /^cluster\.images\.inference/],
    ['hardware nobody has', withCluster({ tee: 'sgx1' }), /^cluster\.tee/],
    ['nobody who decides', withCluster({ members: {} }), /^cluster\.threshold: there are only 0 members/],
    [
      'a threshold nobody reaches',
      withCluster({ threshold: 3 }),
      /^cluster\.threshold: there are only 2 members/,
    ],
    [
      'one member under two names',
      withCluster({ members: { ada: twice, bob: twice } }),
      /^cluster\.members: one key stands there twice/,
    ],
    [
      'a key of 40 bytes',
      withCluster({ members: { ada: 'A'.repeat(54) }, threshold: 1 }),
      /^cluster\.members\.ada: expected a public key/,
    ],
    [
      '65 bytes that are no point',
      withCluster({ members: { ada: 'A'.repeat(87) }, threshold: 1 }),
      /^cluster\.members\.ada/,
    ],
    [
      '17 members',
      withCluster({ members: Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`m${n}`, twice])) }),
      /^cluster\.members: expected at most 16/,
    ],
    [
      'a release key twice',
      withCluster({ releaseKeys: [twice, twice] }),
      /^cluster\.releaseKeys: one key stands there twice/,
    ],
    [
      'nine release keys',
      withCluster({ releaseKeys: Array.from({ length: 9 }, () => twice) }),
      /^cluster\.releaseKeys/,
    ],
    ['a root from nowhere', withCluster({ root: {} }), /^cluster\.root\.source/],
    [
      'a root that is huge',
      withCluster({ root: { source: 'tee', x: SECRET.repeat(3000) } }),
      /^cluster\.root: larger/,
    ],
    ['an origin with spaces', withLog({ origin: 'a b' }), /^cluster\.log\.origin/],
    ['an origin the log does not take', withLog({ origin: 'log.example/ü' }), /^cluster\.log\.origin/],
    [
      'the key of a witness as that of the log',
      withLog({ key: CLUSTER.log.witnesses[0]!.key }),
      /^cluster\.log\.key: expected a verifier key/,
    ],
    [
      'a key of a log with another hash',
      withLog({ key: CLUSTER.log.key.replace(/\+[0-9a-f]{8}\+/, '+00000000+') }),
      /^cluster\.log\.key: expected a verifier key/,
    ],
    [
      'the key of a log as that of a witness',
      withLog({ witnesses: [{ url: 'https://w', key: CLUSTER.log.key }] }),
      /^cluster\.log\.witnesses\[0\]\.key/,
    ],
    [
      'one witness twice',
      withLog({ witnesses: [CLUSTER.log.witnesses[0], CLUSTER.log.witnesses[0]] }),
      /^cluster\.log\.witnesses: one key stands there twice/,
    ],
    ['a quorum nobody reaches', withLog({ quorum: 2 }), /^cluster\.log\.quorum: there are only 1 witnesses/],
    [
      'a witness at an address with a password',
      withLog({ witnesses: [{ ...CLUSTER.log.witnesses[0], url: `https://a:${SECRET}@w` }] }),
      /^cluster\.log\.witnesses\[0\]\.url/,
    ],
    [
      'a witness at no address',
      withLog({ witnesses: [{ ...CLUSTER.log.witnesses[0], url: 'https://[::1' }] }),
      /^cluster\.log\.witnesses\[0\]\.url/,
    ],
    [
      'replicas of a KMS without a database',
      withCluster({ kmsReplicas: 2 }),
      /^cluster\.kmsReplicas: replicas share a database/,
    ],
    ['a host that is an address', withCluster({ relayHost: 'https://relay' }), /^cluster\.relayHost/],
    [
      'an address with a path',
      withCluster({ addresses: { log: 'http://log:8080/x' } }),
      /^cluster\.addresses\.log/,
    ],
    [
      'an address of nobody',
      withCluster({ addresses: { witness: 'http://w' } }),
      /^cluster\.addresses\.witness/,
    ],
  ])('a cluster with %s is refused by its name', (_what, text, why) => {
    expect(refusalOf(text, SECRET).message).toMatch(why)
  })
})

describe('a file on a disk', () => {
  const folder = (): string => {
    const made = mkdtempSync(join(tmpdir(), 'sotto-file-'))
    onTestFinished(() => rmSync(made, { recursive: true }))
    return made
  }
  const refused = async (place: string): Promise<string> => {
    const error = await readDeploymentFile(place).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).toMatchObject({ code: 'DEPLOY_FILE' })
    return (error as Error).message
  }

  it('is found by itself, by its folder, and by a link', async () => {
    const place = folder()
    writeFileSync(join(place, 'sotto.yaml'), 'name: notes\n')
    symlinkSync(place, join(place, 'again'))
    expect((await readDeploymentFile(place)).path).toBe(join(place, 'sotto.yaml'))
    expect((await readDeploymentFile(join(place, 'sotto.yaml'))).name).toBe('notes')
    expect((await readDeploymentFile(join(place, 'again'))).name).toBe('notes')
  })

  it('that is missing, a folder, no UTF-8, or without end is refused', async () => {
    const place = folder()
    expect(await refused(place)).toBe(`cannot read ${join(place, 'sotto.yaml')}`)
    expect(await refused(join(place, 'none'))).toBe(`cannot read ${join(place, 'none')}`)
    writeFileSync(join(place, 'sotto.yaml'), Buffer.from('name: n\xf6tes', 'latin1'))
    expect(await refused(place)).toMatch(/it is no UTF-8 text/)
    expect(await refused('/dev/zero')).toMatch(/it is too large/)
  })

  it('may begin with a byte order mark', async () => {
    const place = folder()
    writeFileSync(join(place, 'sotto.yaml'), '\uFEFFname: notes\n')
    expect((await readDeploymentFile(place)).name).toBe('notes')
  })
})
