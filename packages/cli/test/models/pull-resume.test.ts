import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { openHub, pullModel } from '../../src/models/index.ts'
import { partName } from '../../src/models/part-file.ts'
import { errorOf, graph, hub, path, pull, pulled, sotto, useHub } from './pulls.ts'

useHub()

const GRAPH = 'onnx/decoder_model_merged.onnx'
const part = partName({ digest: { kind: 'sha256', hex: createHash('sha256').update(graph).digest('hex') } })

/** What an interrupted pull left: the first bytes, and the tag of the answer they came with. */
function begin(etag?: string): void {
  mkdirSync(path('.partial', 'tiny--bart'), { recursive: true })
  writeFileSync(path('.partial', 'tiny--bart', part), graph.subarray(0, 50_000))
  if (etag !== undefined) writeFileSync(path('.partial', 'tiny--bart', `${part}.etag`), etag)
}

const requests = (): string[] => hub.served.filter((entry) => entry.startsWith(GRAPH))
const isWhole = (): boolean => readFileSync(path('tiny--bart', 'decoder_model_merged.onnx')).equals(graph)

describe('a resumed pull', () => {
  it('asks for the rest of the very file it began', async () => {
    hub.knobs.etag = '"one"'
    hub.knobs.cut = { path: GRAPH, after: 40_000, times: 1 }
    await pulled('tiny/bart')
    expect(requests()).toEqual([GRAPH, `${GRAPH} bytes=40000-`])
    expect(hub.conditions).toContain('"one"')
    expect(readdirSync(path('tiny--bart')).filter((name) => name.startsWith('.'))).toEqual([])
    expect(isWhole()).toBe(true)
  })

  it.each(['W/"weak"', 'no quotes', '"line\nbreak"'])('joins nothing by the tag %j', async (etag) => {
    begin(etag)
    await pulled('tiny/bart')
    expect(hub.conditions.every((condition) => condition === undefined)).toBe(true)
    expect(isWhole()).toBe(true)
  })

  it.each([
    ['is another now', { etag: '"two"' }, [`${GRAPH} bytes=50000-`]],
    ['is shorter now', { refusesRange: true }, [`${GRAPH} bytes=50000-`, GRAPH]],
    ['comes from another place on', { rangeStart: 10 }, [`${GRAPH} bytes=50000-`, GRAPH]],
  ])('starts over when the file %s', async (_, knobs, expected) => {
    begin('"one"')
    Object.assign(hub.knobs, { etag: '"one"', ...knobs })
    await pulled('tiny/bart')
    expect(requests()).toEqual(expected)
    expect(isWhole()).toBe(true)
  })

  it('goes on as often as a large file is cut, as long as it gets anywhere', async () => {
    hub.knobs.cut = { path: 'large.gguf', after: 1024 * 1024, times: 7 }
    expect(await pulled('tiny/large')).toMatchObject({ engine: 'gguf' })
    expect(hub.served).toHaveLength(8)
  })

  it('notices at the end that the first half was another file', async () => {
    begin()
    const half = readFileSync(path('.partial', 'tiny--bart', part))
    half[7]! ^= 1
    writeFileSync(path('.partial', 'tiny--bart', part), half)
    const result = await pull('tiny/bart', '--json', '-q')
    expect(errorOf(result)).toMatchObject({
      code: 'CLI_MODEL_DIGEST',
      expected: `sha256 ${createHash('sha256').update(graph).digest('hex')}`,
      found: expect.stringMatching(/^sha256 [0-9a-f]{64}$/),
    })
    expect(existsSync(path('.partial', 'tiny--bart', part))).toBe(false)
  })

  it('says after Ctrl-C how much is kept and how to go on', async () => {
    hub.knobs.hang = { path: GRAPH, after: 50_000 }
    const interrupt = new AbortController()
    const running = sotto(['models', 'pull', 'tiny/bart', '--dir', 'models'], { signal: interrupt.signal })
    const file = path('.partial', 'tiny--bart', part)
    await expect.poll(() => existsSync(file) && readFileSync(file).length).toBe(50_000)
    interrupt.abort()
    const { code, stderr } = await running
    expect(code).toBe(130)
    expect(stderr).toMatch(/kept [\d.]+ KiB of 163\.\d KiB; the same command goes on from there/)
  })
})

describe('what is no model', () => {
  it('a web page in the place of a file, or of the listing, is not kept as bytes of it', async () => {
    hub.knobs.page = true
    const root = path()
    const pulling = pullModel({
      hub: openHub({ url: hub.url, repository: 'tiny/gguf', revision: 'main', fetch: globalThis.fetch }),
      id: 'page',
      root,
      file: 'a.Q4.gguf',
      signal: new AbortController().signal,
      createProgress: () => ({ advance: () => {}, end: () => {} }),
      timing: { pauseMs: 1 },
    })
    await expect(pulling).rejects.toMatchObject({
      code: 'CLI_HUB',
      hint: expect.stringContaining('sign-in page'),
    })
    expect(existsSync(path('.partial', 'page'))).toBe(false)
  })

  it('fewer bytes than are listed are refused before they are fetched', async () => {
    hub.knobs.lie = { path: GRAPH, bytes: graph.subarray(0, 1000) }
    expect(errorOf(await pull('tiny/bart', '--json', '-q'))).toMatchObject({
      code: 'CLI_MODEL_DIGEST',
      message: expect.stringContaining('shorter'),
    })
    expect(existsSync(path('.partial', 'tiny--bart', part))).toBe(false)
  })

  it('what cannot fit on the disk is refused before it is fetched', async () => {
    hub.knobs.tree = JSON.stringify([{ type: 'file', path: 'a.gguf', size: 2 ** 52, oid: 'a'.repeat(40) }])
    expect(errorOf(await pull('tiny/gguf', '--json', '-q'))).toMatchObject({
      code: 'CLI_FILE',
      message: 'there is not enough room for the model',
    })
    expect(hub.served).toEqual([])
  })
})

it('lets one of several pulls of a model at once do it', async () => {
  const results = await Promise.all(Array.from({ length: 6 }, () => pull('tiny/bart', '--json', '-q')))
  const codes = results.map(({ code }) => code)
  expect(codes.filter((code) => code === 0)).toHaveLength(1)
  expect(codes.filter((code) => code === 8)).toHaveLength(5)
  for (const result of results.filter(({ code }) => code === 8))
    expect(errorOf(result)).toMatchObject({ code: 'CLI_PENDING' })
  expect(isWhole()).toBe(true)
  expect(readdirSync(path('.partial'))).toEqual([])
})
