import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { HardwareSource } from '@sotto/protocol/evidence-hardware'
import type { TrustedHardware } from '@sotto/serve/tee'
import { type HardwareOptions, openHardware } from '@sotto/serve/tee-hardware'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { claim } from '../../../../test/claims.ts'

let folder: string
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'sotto-sealing-'))))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let programs = 0
/** A helper that is a few lines of shell. */
function helper(body: string): string {
  const path = join(folder, `helper-${programs++}`)
  writeFileSync(path, `#!/bin/sh\n${body}\n`)
  chmodSync(path, 0o755)
  return path
}
/** A helper that derives this key. */
function keyHelper(key: Uint8Array): string {
  const file = join(folder, `key-${programs}`)
  writeFileSync(file, key)
  return helper(`[ $# -eq 0 ] && cat '${file}'`)
}

const KEY = crypto.sha256(utf8('of this guest'))

function open(source: HardwareSource, options: HardwareOptions = {}): Promise<TrustedHardware> {
  const findings = [{ source, title: source, status: 'ready' as const, why: 'model' }]
  return openHardware({ findings, env: {}, ...options })
}
const derive = async (
  sealingHelper: string,
  context = 'store',
  more: HardwareOptions = {},
): Promise<string> =>
  toHex(await (await open('sev-snp', { sealingHelper, ...more })).deriveSealingKey(context))

describe('a sealing key of SEV-SNP', () => {
  it(claim('T7', 'is the same at every start, and another for each context and each guest'), async () => {
    const own = keyHelper(KEY)
    const other = keyHelper(crypto.sha256(utf8('of another measurement')))
    const first = await derive(own)
    expect(await derive(own)).toBe(first)
    const all = [first, await derive(own, 'root file'), await derive(other), await derive(other, 'root file')]
    expect(new Set(all).size).toBe(4)
    expect(all).not.toContain(toHex(KEY))
  })

  it('is HKDF-SHA256 of what the processor derives, and stays so: stores are sealed under it', async () => {
    // Computed apart with Python's hmac: HKDF(salt '', ikm 00 01 … 1f, info label and context).
    const counting = Uint8Array.from({ length: 32 }, (_, n) => n)
    expect(await derive(keyHelper(counting), 'sotto kms root secret v1')).toBe(
      '33b76713423dce3b73bba2c3376fc839a01d5572ed2c076091b18b31a8ebf79b',
    )
  })

  it('is refused by name where there is no helper, with what to do', async () => {
    const missing = join(folder, 'snp-derive-key')
    await expect(derive(missing)).rejects.toMatchObject({
      code: 'TEE_NO_SEALING',
      action: 'stop',
      hint: expect.stringContaining('snp-derive-key') as string,
    })
    // By default a name, looked up in folders of the system: there is none on a machine that tests.
    const hardware = await open('sev-snp')
    await expect(hardware.deriveSealingKey('store')).rejects.toMatchObject({ code: 'TEE_NO_SEALING' })
  })

  it.each([
    ['hangs', 'sleep 60', { code: 'COLLECT_TIMEOUT' }],
    ['prints too much', 'head -c 33 /dev/zero | tr "\\0" k', { code: 'COLLECT_MALFORMED' }],
    ['prints without end', 'exec yes', { code: 'COLLECT_MALFORMED' }],
    ['prints too little', 'printf short', { code: 'COLLECT_MALFORMED', found: '5 bytes' }],
    ['prints nothing', 'true', { code: 'COLLECT_MALFORMED', found: '0 bytes' }],
    ['prints zeros', 'head -c 32 /dev/zero', { code: 'COLLECT_MALFORMED', found: 'zeros' }],
    [
      'fails',
      'echo "/dev/sev-guest: Permission denied" >&2; exit 1',
      { code: 'COLLECT_FAILED', message: expect.stringContaining('/dev/sev-guest') as string },
    ],
    ['fails after a key', 'head -c 32 /dev/zero | tr "\\0" k; exit 1', { code: 'COLLECT_FAILED' }],
    ['dies', 'kill -9 $$', { code: 'COLLECT_FAILED', found: 'SIGKILL' }],
  ])('of a helper that %s is refused by name', async (_what, body, expected) => {
    const failed = await derive(helper(body), 'store', { sealingTimeoutMs: 500 }).catch(
      (error: unknown) => error,
    )
    expect(failed).toMatchObject(expected)
    expect(JSON.stringify({ ...(failed as object), message: (failed as Error).message })).not.toContain(
      'kkkk',
    )
  })

  it.each(['', 'x'.repeat(129)])('has a context of 1 to 128 characters', async (context) => {
    await expect(derive(keyHelper(KEY), context)).rejects.toThrow(RangeError)
  })

  it(
    claim('T7', 'is not taken on Confidential ACI, where MEASUREMENT is the same for every program'),
    async () => {
      const env = { UVM_SECURITY_CONTEXT_DIR: '/security-context-1' }
      await expect(derive(keyHelper(KEY), 'store', { env })).rejects.toMatchObject({
        code: 'TEE_NO_SEALING',
        message: expect.stringContaining('Confidential ACI') as string,
      })
    },
  )
})

it.each(['tdx', 'sgx', 'nitro', 'azure-cvm'] as const)(
  '%s has no sealing key, whatever lies there',
  async (source) => {
    const hardware = await open(source, { sealingHelper: keyHelper(KEY) })
    await expect(hardware.deriveSealingKey('store')).rejects.toMatchObject({ code: 'TEE_NO_SEALING' })
  },
)
