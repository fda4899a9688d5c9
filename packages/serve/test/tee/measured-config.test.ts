import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toBase64Url, toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { Evidence, EvidenceFamily } from '@sotto/protocol/keyrelease'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { requireMeasuredConfig } from '../../src/tee/index.ts'

let root: string
beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'sotto-image-')))
  for (const folder of ['image', 'image-of-others']) {
    mkdirSync(join(root, folder))
    writeFileSync(join(root, folder, 'config.json'), '{}')
  }
  symlinkSync(join(root, 'image-of-others/config.json'), join(root, 'image/link.json'))
  symlinkSync(join(root, 'image/config.json'), join(root, 'link.json'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const report = new Uint8Array(1184)
report.fill(0xab, 0xc0, 0xe0)
const evidence = (family: EvidenceFamily, bytes = report): Evidence => [
  { family, evidence: toBase64Url(bytes), collateral: {} },
]
const requireConfig = (sha256: string, of: Evidence, path = '/anywhere.json'): Promise<void> =>
  requireMeasuredConfig({ path, sha256, imageFolder: join(root, 'image') }, of)
const refused = { code: 'CONFIG_NOT_MEASURED', action: 'stop' }

test('accepts the configuration HOST_DATA names and refuses any other', async () => {
  await requireConfig('ab'.repeat(32), evidence('sev-snp'))
  await requireConfig('ab'.repeat(32), evidence('software'))
  await expect(requireConfig(`${'ab'.repeat(31)}ac`, evidence('sev-snp'))).rejects.toMatchObject(refused)
  await expect(
    requireConfig('00'.repeat(32), evidence('sev-snp', report.subarray(0, 0xdf))),
  ).rejects.toMatchObject({ code: 'TEE_MALFORMED' })
  // MRCONFIGID has 48 bytes, of which a SHA-256 fills the first 32.
  const quote = new Uint8Array(700)
  quote.fill(0xab, 48 + 184, 48 + 184 + 32)
  await requireConfig('ab'.repeat(32), evidence('tdx', quote))
  quote[48 + 184 + 40] = 1
  await expect(requireConfig('ab'.repeat(32), evidence('tdx', quote))).rejects.toMatchObject(refused)
})

describe('where a report has no field for the configuration', () => {
  const sha256 = toHex(crypto.sha256(utf8('{}')))
  const used = (path: string, family: EvidenceFamily = 'nitro', hash = sha256): Promise<void> =>
    requireConfig(hash, [...evidence(family), ...evidence('nvidia')], join(root, path))

  it.each<EvidenceFamily>(['azure-cvm', 'sgx', 'nitro', 'azure-maa', 'gcp-confidential-space'])(
    claim('T7', 'a role on %s starts with a file of its image only'),
    async (family) => {
      await used('image/config.json', family)
      await expect(used('image-of-others/config.json', family)).rejects.toMatchObject({
        ...refused,
        expected: `a file below ${root}/image`,
        found: `${root}/image-of-others/config.json`,
      })
    },
  )

  it('links are followed before the place is judged', async () => {
    await used('link.json')
    await used('image/../link.json')
    await expect(used('image/link.json')).rejects.toMatchObject(refused)
  })

  it('what was read has to be what lies in the image', async () => {
    await expect(used('link.json', 'nitro', 'ab'.repeat(32))).rejects.toMatchObject(refused)
  })
})

describe('on Confidential ACI, where HOST_DATA is the hash of a policy', () => {
  const policy = utf8('package policy\n')
  const snp = report.slice()
  snp.set(crypto.sha256(policy), 0xc0)
  const sha256 = toHex(crypto.sha256(utf8('{}')))
  const context = (text: string): Record<string, string> => {
    const folder = mkdtempSync(join(root, 'security-context-'))
    writeFileSync(join(folder, 'security-policy-base64'), text)
    return { UVM_SECURITY_CONTEXT_DIR: folder }
  }
  const right = Buffer.from(policy).toString('base64')
  const start = (
    env: Record<string, string>,
    path = 'image/config.json',
    family: EvidenceFamily = 'sev-snp',
    hash = sha256,
  ): Promise<void> =>
    requireMeasuredConfig(
      { path: join(root, path), sha256: hash, imageFolder: join(root, 'image') },
      evidence(family, snp),
      env,
    )

  it(claim('T7', 'a role on Confidential ACI starts with a file of its image only'), async () => {
    await start(context(right))
    await start(context(right), 'link.json')
    await expect(start(context(right), 'image-of-others/config.json')).rejects.toMatchObject({
      ...refused,
      expected: `a file below ${root}/image`,
    })
    await expect(start(context(right), 'image/link.json')).rejects.toMatchObject(refused)
    await expect(start(context(right), undefined, undefined, 'ab'.repeat(32))).rejects.toMatchObject(refused)
  })

  it.each([
    ['another policy', Buffer.from('package policy\n\n').toString('base64')],
    ['no base64', `${right}!`],
    ['base64 with a line end', `${right}\n`],
    ['nothing', ''],
    ['more than is read', 'A'.repeat(4 * 1024 * 1024 + 4)],
  ])('%s is refused', async (_name, text) => {
    await expect(start(context(text))).rejects.toMatchObject({
      ...refused,
      message: 'HOST_DATA is not the hash of the configuration',
      expected: sha256,
    })
  })

  it('neither a missing file, a folder, nor an empty variable helps', async () => {
    const folder = context(right)['UVM_SECURITY_CONTEXT_DIR']!
    mkdirSync(join(folder, 'below/security-policy-base64'), { recursive: true })
    for (const UVM_SECURITY_CONTEXT_DIR of ['', `${folder}/none`, `${folder}/below`])
      await expect(start({ UVM_SECURITY_CONTEXT_DIR })).rejects.toMatchObject(refused)
    await expect(start({})).rejects.toMatchObject(refused)
  })

  it('other hardware has no such policy', async () => {
    await expect(start(context(right), undefined, 'software')).rejects.toMatchObject(refused)
  })
})
