import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createWorld } from '@sotto/testkit'
import { encodeTrustPolicy } from '@sotto/verifier'
import { Advice, readOptions, readSources } from '../../examples/faces/options.ts'
import { type PageConfig, servePage } from '../../examples/faces/serve.ts'

const CONFIG: PageConfig = {
  relay: 'https://relay.example/somewhere',
  gateway: 'inference',
  policy: '{}',
  id: 'tag/faces:1',
  digest: 'd'.repeat(64),
  frame: { width: 320, height: 240 },
  faces: 4,
}

describe('the page’s server', () => {
  let page: Awaited<ReturnType<typeof servePage>>
  beforeAll(async () => {
    page = await servePage(CONFIG, 0)
  })
  afterAll(() => page?.close())

  const ask = (
    path: string,
    host: string = new URL(page.url).host,
    method = 'GET',
  ): Promise<{ status: number; headers: Record<string, unknown>; body: string }> =>
    new Promise((resolve, reject) => {
      const asking = request(page.url + path, { method, headers: { host } }, (response) => {
        let body = ''
        response.setEncoding('utf8').on('data', (text: string) => (body += text))
        response.once('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }))
      })
      asking.once('error', reject).end()
    })

  it('lets nothing run or connect but the page and the relay', async () => {
    for (const path of ['/', '/page.js', '/page.css', '/parts.css', '/icon.svg', '/config.json', '/none']) {
      const { headers } = await ask(path)
      expect(headers['content-security-policy']).toBe(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
          "connect-src 'self' https://relay.example; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
          "require-trusted-types-for 'script'; trusted-types 'none'",
      )
      expect(headers['permissions-policy']).toContain('camera=(self), microphone=()')
      expect(headers['x-content-type-options']).toBe('nosniff')
    }
  })

  it('serves six files under its own name, and nothing else', async () => {
    for (const path of ['/', '/page.js', '/page.css', '/parts.css', '/icon.svg', '/config.json'])
      expect((await ask(path)).status).toBe(200)
    expect((await ask('/')).body).toContain('<title>')
    expect((await ask('/page.js')).headers['content-type']).toBe('text/javascript; charset=utf-8')
    expect(JSON.parse((await ask('/config.json')).body)).toEqual(CONFIG)
    const { port } = new URL(page.url)
    for (const [path, host, method, status] of [
      ['/../serve.ts', undefined, 'GET', 404],
      ['/page.js?x', undefined, 'GET', 404],
      ['/', undefined, 'POST', 405],
      ['/', 'attacker.example', 'GET', 421],
      ['/', `127.0.0.1`, 'GET', 421],
      ['/', `localhost:${port}`, 'GET', 308],
    ] as const)
      expect((await ask(path, host, method)).status).toBe(status)
    expect((await ask('/', `localhost:${port}`)).headers['location']).toBe(`${page.url}/`)
  })

  it('the page has no script, style or handler in its text', async () => {
    const { body } = await ask('/')
    expect(body.match(/<script[^>]*>[^<]*/g)).toEqual(['<script type="module" src="/page.js">'])
    expect(body).not.toMatch(/<style|style=|\son\w+=|javascript:/)
  })
})

describe('the command line', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sotto-faces-'))
    writeFileSync(join(folder, 'detector.onnx'), '')
    mkdirSync(join(folder, 'people'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const advice = (read: () => unknown): string => {
    try {
      read()
    } catch (error) {
      if (error instanceof Advice) return `${error.message}: ${error.hint}`.replaceAll(folder, '')
      throw error
    }
    return 'none'
  }
  const given = ['--detector', 'detector.onnx', '--people', 'people']

  it.each<[string, string[], string]>([
    [
      'no detector',
      ['--people', 'people'],
      'there is no detector at /version-RFB-320.onnx: download models/onnx/version-RFB-320.onnx',
    ],
    ['no people', ['--detector', 'detector.onnx'], 'nobody is to be known: name a folder of pictures'],
    [
      'people who are not there',
      ['--detector', 'detector.onnx', '--people', 'x'],
      'there is no folder x: name a',
    ],
    [
      'a number that is none',
      [...given, '--margin', ''],
      '--margin  is no number of that kind: give one from 0.5 to 3',
    ],
    [
      'a number out of bounds',
      [...given, '--min-similarity', '87'],
      '--min-similarity 87 is no number of that kind',
    ],
  ])('%s: says what to do', (_name, argv, expected) => {
    expect(advice(() => readSources(argv, {}, folder))).toContain(expected)
  })

  it('no stack, no policy and no owner: says what to do', async () => {
    const options = (...more: string[]) =>
      advice(() => readOptions([...given, ...more], { HOME: folder }, folder))
    expect(options()).toContain('no stack runs in this folder: start one: npx sotto up -d --browser-origin')
    expect(options('--host', 'https://relay.example')).toContain('nothing says what to accept of that host')
    const { policy } = await createWorld()
    writeFileSync(join(folder, 'policy.json'), encodeTrustPolicy(policy))
    writeFileSync(join(folder, 'empty.pem'), '')
    const service = ['--host', 'https://relay.example', '--policy', 'policy.json']
    expect(options(...service, '--owner', join(folder, 'empty.pem'))).toContain(
      "/empty.pem is no owner's key: sotto up makes one",
    )
    expect(readSources(given, {}, folder).networks).toMatchObject({ detector: join(folder, 'detector.onnx') })
  })
})
