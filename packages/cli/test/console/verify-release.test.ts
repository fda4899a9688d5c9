import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CONSOLE_RELEASE_PREDICATE, type ConsoleRelease } from '@sotto/protocol/console-release'
import { fromUtf8 } from '@sotto/protocol/bytes'
import { type DsseSigner, signDsse } from '@sotto/protocol/dsse'
import { encodeDocument, PAYLOAD_TYPES } from '@sotto/protocol/keyrelease'
import { claim } from '../../../../test/claims.ts'
import { manifestDigest } from '../../src/console/manifest.ts'
import type { Desk } from '../support/desk.ts'
import type { RunResult } from '../support/memory-io.ts'
import { type FakeHost, manifestOf } from './pages.ts'
import { beginVerifying, type Verifying } from './verifying.ts'

const PAGES = manifestDigest(manifestOf())

let desk: Desk
let host: FakeHost
let verify: Verifying['verify']
beforeEach(async () => void ({ desk, host, verify } = await beginVerifying()))
afterEach(() => desk.clear())

describe('the release of pages', () => {
  const sign = (digest: string, signer: DsseSigner, version = '1.4.0'): Uint8Array => {
    const statement: ConsoleRelease = {
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: 'console', digest: { sha256: digest } }],
      predicateType: CONSOLE_RELEASE_PREDICATE,
      predicate: { version, securityVersion: 1, createdAt: 1_790_000_000 },
    }
    return signDsse(PAYLOAD_TYPES.release, encodeDocument(statement), [signer])
  }
  const logged = (...more: string[]): Promise<RunResult> =>
    verify(['--logged', '--log', 'http://log/log', ...more])

  it(claim('T21.verify', 'is found in the log, signed by a release key of the policy'), async () => {
    const { log, signers } = desk.service.world
    // Another version of the pages than this installation has.
    host.files['Trust-A1.js'] = 'export default 3'
    const { 'console.json': _config, SHA256SUMS: _sums, ...files } = host.files
    host.files['SHA256SUMS'] = manifestOf(files)
    const digest = manifestDigest(host.files['SHA256SUMS'])
    log.append(sign(digest, signers.kms))
    const unsigned = await logged()
    expect([unsigned.code, unsigned.stderr]).toEqual([3, expect.stringContaining('no release in the log')])
    log.append(sign(digest, signers.release))
    const index = log.size - 1
    expect(await logged()).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(
        `the pages are those of release 1.4.0, entry ${index} of the log, ${digest}`,
      ),
    })
    log.append(sign('ab'.repeat(32), signers.release, '1.5.0'))
    expect((await logged()).stderr).toContain(
      `a newer release of the pages is in the log: 1.5.0, entry ${index + 1}`,
    )
    host.files['console.js'] = 'evil()'
    expect(await logged()).toMatchObject({
      code: 3,
      stdout: expect.stringContaining('✗ changed  console.js'),
    })
    delete host.files['SHA256SUMS']
    expect((await logged()).code).toBe(3)
  })

  it(claim('T21.verify', 'is read from a release file, and revoked by a policy'), async () => {
    const { signers, policy } = desk.service.world
    const write = (pages: string, envelope: Uint8Array): void =>
      writeFileSync(
        join(desk.cwd, 'release.json'),
        JSON.stringify({
          format: 'sotto-release/1',
          version: '1.4.0',
          flavour: 'release',
          arch: 'x64',
          source: { digest: 'ab'.repeat(32) },
          roles: {},
          console: { pages, statements: { release: { envelope: fromUtf8(envelope), index: 3 } } },
        }),
      )
    const byFile = (): Promise<RunResult> => verify(['--release', 'release.json'])
    write(PAGES, sign(PAGES, signers.release))
    expect(await byFile()).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('1.4.0 of release.json'),
    })
    write(PAGES, sign(PAGES, signers.kms))
    expect((await byFile()).code).toBe(3)
    write(PAGES, sign('ab'.repeat(32), signers.release))
    expect((await byFile()).stderr).toContain('about other pages')
    write('ab'.repeat(32), sign('ab'.repeat(32), signers.release))
    expect((await byFile()).stderr).toContain('other pages than the signed release')
    write(PAGES, sign(PAGES, signers.release))
    desk.write('policy.json', JSON.stringify({ ...policy, revoked: [PAGES] }))
    expect(await byFile()).toMatchObject({ code: 5, stderr: expect.stringContaining('revokes these pages') })
    expect(await verify()).toMatchObject({ code: 5, stderr: expect.stringContaining('revokes these pages') })
    expect((await verify(['--release', 'release.json', '--logged'])).code).toBe(2)
  })
})
