import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import type { PagesReport } from '../../src/commands/console/report.ts'
import { STRICT_HEADERS } from '../../src/console/headers.ts'
import { digestOf, manifestDigest } from '../../src/console/manifest.ts'
import type { Desk } from '../support/desk.ts'
import { type FakeHost, FILES, manifestOf } from './pages.ts'
import { beginVerifying, RELAY, URL, type Verifying } from './verifying.ts'

const PAGES = manifestDigest(manifestOf())
const PERMISSIONS = STRICT_HEADERS['permissions-policy']!

let desk: Desk
let host: FakeHost
let verify: Verifying['verify']
beforeEach(async () => void ({ desk, host, verify } = await beginVerifying()))
afterEach(() => desk.clear())

async function report(argv: string[] = []): Promise<{ code: number; report: PagesReport & { ok: boolean } }> {
  const { code, stdout, stderr } = await verify(['--json', ...argv])
  expect(stderr, stderr).not.toContain('error')
  return { code, report: JSON.parse(stdout) as PagesReport & { ok: boolean } }
}

describe('sotto console verify', () => {
  it('accepts the pages of this installation, served strictly, by one’s own policy', async () => {
    expect(await verify()).toEqual({
      code: 0,
      stdout:
        '✓ files    5 of 5 are those of this installation\n' +
        '✓ headers  as strict as those of sotto console\n' +
        `✓ policy   yours, for ${RELAY} (gateway inference)\n\n` +
        `the pages are those of this installation, ${PAGES}\n`,
      stderr: `asking ${URL} ...\n`,
    })
    expect((await verify([], `${URL}index.html`)).code).toBe(0)
    expect((await verify([], 'https://chat.example/app')).code).toBe(0)
  })

  it(
    claim('T21.verify', 'names a changed, a missing and an extra file, and what they load besides'),
    async () => {
      host.files['index.html'] +=
        '<script src="evil.js"></script><script src=https://cdn.example/x.js></script>'
      host.files['evil.js'] = 'import"./more.js"'
      host.files['more.js'] = '1'
      delete host.files['console.css']
      const { code, report: found } = await report()
      expect([code, found.ok, found.expected]).toEqual([3, false, { by: 'this installation', pages: PAGES }])
      expect(found.files.filter(({ status }) => status !== 'same')).toEqual([
        {
          name: 'index.html',
          status: 'changed',
          expected: digestOf(Buffer.from(FILES['index.html']!)),
          found: digestOf(Buffer.from(host.files['index.html']!)),
        },
        {
          name: 'console.css',
          status: 'missing',
          expected: digestOf(Buffer.from(FILES['console.css']!)),
          found: 'status 404',
        },
        { name: 'evil.js', status: 'extra', found: digestOf(Buffer.from(host.files['evil.js']!)) },
        { name: 'https://cdn.example/x.js', status: 'extra', found: 'from elsewhere' },
        { name: 'more.js', status: 'extra', found: digestOf(Buffer.from('1')) },
      ])
      const { stdout } = await verify()
      expect(stdout).toContain('✗ changed  index.html\n    expected: ')
      expect(stdout).toContain('these are not the pages of this installation\n')
    },
  )

  it(claim('T21.verify', 'names a file that its own manifest has and the release has not'), async () => {
    host.files['extra.js'] = 'alert(1)'
    host.files['SHA256SUMS'] = manifestOf({ ...FILES, 'extra.js': 'alert(1)' })
    const { code, report: found } = await report()
    expect(code).toBe(3)
    expect(
      found.files.filter(({ status }) => status !== 'same').map(({ name, status }) => [name, status]),
    ).toEqual([
      ['SHA256SUMS', 'changed'],
      ['extra.js', 'extra'],
    ])
  })

  it.each([
    ['no policy', 'content-security-policy', undefined],
    ['scripts in the text', 'content-security-policy', "script-src 'unsafe-inline'"],
    ['scripts from elsewhere', 'content-security-policy', 'script-src-elem https://cdn.example'],
    ['another place to send to', 'content-security-policy', "connect-src 'self' https://collect.example"],
    ['reports', 'content-security-policy', 'report-uri https://collect.example'],
    ['no Trusted Types', 'content-security-policy', 'require-trusted-types-for'],
    ['types that are guessed', 'x-content-type-options', undefined],
    ['a style sheet from elsewhere', 'link', '<https://cdn.example/a.css>; rel=stylesheet'],
    ['another page', 'refresh', '0; url=https://evil.example'],
    [
      'reports of a policy that forbids nothing',
      'content-security-policy',
      "default-src *; report-to all, default-src 'none'",
    ],
    [
      'reports of another policy',
      'content-security-policy-report-only',
      "connect-src 'none'; report-uri https://collect.example",
    ],
    // A space to us, and to browsers a part of a name that they do not know.
    ['a directive that only looks like one', 'content-security-policy', "\u00A0connect-src 'self'"],
    ['more features', 'permissions-policy', 'microphone=*'],
    ['features that no browser reads', 'permissions-policy', `${PERMISSIONS}, Microphone=()`],
    ['features after a space that is none', 'permissions-policy', `\u00A0${PERMISSIONS}`],
  ])(claim('T21.verify', 'names headers with %s'), async (_what, name, value) => {
    const before = host.headers[name]
    if (value === undefined) delete host.headers[name]
    // The first directive of a name counts.
    else host.headers[name] = name === 'content-security-policy' ? `${value}; ${before}` : value
    const { code, report: found } = await report()
    expect([code, found.headers.map((one) => one.name)]).toEqual([5, [name]])
    expect((await verify()).stdout).toContain('and what they come with is not\n')
  })

  it(claim('T21.verify', 'names a first page that is another by its name than for the folder'), async () => {
    host.files['./'] = FILES['index.html']!
    host.files['index.html'] = 'evil'
    const { code, report: found } = await report()
    expect(code).toBe(3)
    expect(found.files.filter(({ name }) => name === 'index.html')).toMatchObject([
      { status: 'same' },
      { status: 'changed', found: digestOf(Buffer.from('evil')) },
    ])
    const lead = (to: string): void => {
      host.answers['index.html'] = () => new Response(null, { status: 301, headers: { location: to } })
    }
    lead('./')
    expect((await report()).code).toBe(0)
    lead('https://evil.example/')
    expect((await report()).code).toBe(3)
    host.answers['index.html'] = () => new Response(FILES['index.html'])
    expect((await report()).report.headers.map(({ name }) => name)).toContain('content-security-policy')
    host.answers['./'] = () => new Response('no', { status: 404 })
    host.answers['index.html'] = host.answers['./']
    expect((await verify()).stdout).not.toContain('as strict as')
  })

  it('asks nobody else, and not without end', async () => {
    host.files['index.html'] +=
      '<script src="//intranet/x.js"></script><script src=".//intranet/y.js"></script>'
    host.files['console.js'] = [...Array(64).keys()].map((n) => `import"./a${n}.js"`).join(';')
    const names = [...Array(64).keys()].map((n) => `"./$${n}.js"`)
    host.fetch = ((fetch) => (input, init) => {
      const name = /\/a(\d+)\.js$/.exec(String(input))?.[1]
      if (name === undefined) return fetch(input, init)
      return Promise.resolve(new Response(names.join(';').replaceAll('$', `b${name}-`)))
    })(host.fetch)
    const { code, report: found } = await report()
    expect([code, found.files.filter(({ status }) => status === 'extra').length]).toEqual([3, 64])
    expect(host.asked.filter((name) => name.includes(':'))).toEqual([])
    // All that is asked for is not there: nothing counts but the asking.
    host.asked = []
    host.files['console.js'] = '1'
    const { fetch } = host
    host.files['SHA256SUMS'] = manifestOf({
      ...FILES,
      ...Object.fromEntries([...Array(250).keys()].map((n) => [`z${n}.js`, ''])),
    })
    host.files['Trust-A1.js'] = names.join(';').replaceAll('$', 'c')
    host.fetch = fetch
    expect((await report()).code).toBe(3)
    expect(host.asked.length).toBeLessThan(270)
  })

  it('accepts a policy that is stricter, or one of two that is strict enough', async () => {
    const { 'content-security-policy': policy } = host.headers
    host.headers['content-security-policy'] =
      `default-src *, ${policy}; font-src 'none'; upgrade-insecure-requests`
    expect((await report()).code).toBe(0)
  })

  it(claim('T21.verify', 'names rules that are not one’s own'), async () => {
    const { policy } = desk.service.world
    const laxer = { ...policy, checkpointMaxAgeSeconds: policy.checkpointMaxAgeSeconds - 1 }
    host.files['console.json'] = JSON.stringify({ relay: RELAY, gateway: 'inference', policy: laxer })
    expect(await report()).toMatchObject({
      code: 5,
      report: { service: { status: 'changed', relay: RELAY } },
    })
    expect((await verify()).stdout).toContain(`✗ policy   not yours, for ${RELAY}`)
    // Nobody's rules to compare with: shown, not judged.
    const shown = await verify([], URL, { SOTTO_POLICY: '' })
    expect([shown.code, shown.stdout]).toEqual([0, expect.stringContaining('- policy   of the host')])
    host.files['console.json'] = '{"relay":1}'
    expect(await report()).toMatchObject({ code: 5, report: { service: { status: 'missing' } } })
  })

  it('reads no more than pages are, follows no redirect, and decides nothing without an answer', async () => {
    host.answers['console.css'] = () => new Response(new Uint8Array(5_000_000))
    host.answers['console.js'] = () => Response.redirect('https://evil.example/console.js', 302)
    const { report: found } = await report()
    expect(found.files.filter(({ status }) => status === 'missing').map(({ found: why }) => why)).toEqual([
      'more than 4194304 bytes',
      'redirect to https://evil.example/console.js',
    ])
    host.answers['console.js'] = () => {
      throw new TypeError('fetch failed')
    }
    const { code, stderr } = await verify()
    expect([code, stderr]).toEqual([1, expect.stringContaining('does not answer for /app/console.js')])
    for (const url of ['ftp://chat.example', 'https://:secret@chat.example', `${URL}?x`])
      expect((await verify([], url)).code, url).toBe(2)
    expect((await verify([], `${URL}?`)).stderr).toContain(`asking ${URL} ...`)
  })
})
