import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { recordedIntelAnswers, startVendorServer, type VendorServer } from '@sotto/testkit/vendor-services'
import { commands } from '../../src/commands/index.ts'
import { arePresent, vectors } from '../support/attestation-vectors.ts'
import { runInMemory, type RunResult } from '../support/memory-io.ts'

const vector = join(vectors, 'tdx/Phala-Network__dcap-qvl/tdx-v4-uptodate')
const AT = '2025-06-19T11:32:27Z'

describe.skipIf(!arePresent)(
  'from a real quote to a verdict (skipped: SOTTO_VECTORS has no attestation)',
  () => {
    let server: VendorServer
    let cwd: string
    beforeAll(async () => {
      const collateral = new Uint8Array(readFileSync(join(vector, 'collateral.json')))
      server = await startVendorServer(recordedIntelAnswers(collateral, 'tdx', 'b0c06f000000', 'platform'))
      cwd = mkdtempSync(join(tmpdir(), 'sotto-collateral-'))
      writeFileSync(join(cwd, 'quote.bin'), readFileSync(join(vector, 'quote.bin')))
    })
    afterAll(() => {
      server.close()
      rmSync(cwd, { recursive: true })
    })

    const sotto = (...argv: string[]): Promise<RunResult> =>
      runInMemory(commands, argv, { cwd, fetch: globalThis.fetch, nowMs: () => Date.parse(AT) })
    const fetchIt = (...flags: string[]): Promise<RunResult> => {
      const mirrors = ['intel-pcs=intelPcs', 'intel-certificates=intelCertificates'].flatMap((pair) => [
        '--mirror',
        pair.replace('=', `=${server.url}/`),
      ])
      return sotto('collateral', 'fetch', 'quote.bin', '-o', 'out', ...flags, ...mirrors)
    }

    it('fetches, packs, and verifies offline from folder and file', async () => {
      expect((await sotto('verify', 'quote.bin', '--at', AT)).code).toBe(6)
      expect(await fetchIt('-q')).toMatchObject({
        code: 0,
        stdout: 'tdx: 7 pieces, 12.1 KiB, in out\n',
        stderr: '',
      })
      expect((await sotto('collateral', 'pack', 'out', '-o', 'packed.json')).code).toBe(0)
      for (const collateral of ['out', 'packed.json'])
        expect((await sotto('verify', 'quote.bin', '--collateral', collateral, '--at', AT)).code).toBe(0)
    })

    it('refuses TCB information whose status somebody raised', async () => {
      const path = 'intelPcs/tdx/certification/v4/tcb?fmspc=b0c06f000000'
      const { body } = server.answers.get(path)!
      const raised = new TextDecoder().decode(body as Uint8Array).replace('"OutOfDate"', '"UpToDate" ')
      server.fail('/tcb?', { kind: 'body', bytes: new TextEncoder().encode(raised) }, 1)
      const { code, stderr } = await fetchIt('--refresh')
      expect(code).toBe(3)
      expect(stderr).toContain('[COLLATERAL_INVALID]')
      expect((await sotto('verify', 'quote.bin', '--collateral', 'out', '--at', AT)).code).toBe(0)
    })
  },
)
