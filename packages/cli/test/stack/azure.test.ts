import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { AZURE_PAYLOAD_TYPES, buildReceiptTree, type CcfReceipt } from '@sotto/protocol/azure-dialect'
import { fromUtf8, toBase64, toBase64Url, toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { ecdsaDer } from '@sotto/protocol/der-write'
import { signDsse } from '@sotto/protocol/dsse'
import { HPKE_KEM, kemById } from '@sotto/protocol/hpke'
import { encodeDocument } from '@sotto/protocol/keyrelease'
import { encodeKeyConfig } from '@sotto/protocol/ohttp'
import { FAKE_NOW, type FakeIdentity, fakeRoot } from '@sotto/testkit/x509'
import type { TrustedService, TrustPolicy } from '@sotto/verifier'
import { FakeLog } from '../../../serve/test/log-client/fake-log.ts'
import { claim } from '../../../../test/claims.ts'
import { checkAzureService } from '../../src/stack/azure.ts'

const signer = (): { secretSeed: Uint8Array; publicKey: Uint8Array } => {
  const { seed, publicKey } = crypto.ed25519.generate()
  return { secretSeed: seed, publicKey }
}
const GENESIS = 'ab'.repeat(32)
const KMS = signer()
const SERVICE = fakeRoot({ commonName: 'Service', curve: 'P-384' })
const CONFIG = encodeKeyConfig({
  keyId: 3,
  kemId: HPKE_KEM.DHKEM_P384,
  publicKey: kemById(HPKE_KEM.DHKEM_P384).generate().publicKey,
  algorithms: [{ kdfId: 2, aeadId: 2 }],
})

let log: FakeLog
beforeEach(() => {
  log = new FakeLog()
  log.now = () => FAKE_NOW
  vi.stubGlobal('fetch', log.fetch)
})
afterEach(() => vi.unstubAllGlobals())

/** What differs from a genuine KMS. */
interface Change {
  by?: typeof KMS
  genesis?: string
  service?: FakeIdentity
  vouched?: FakeIdentity
  isLogged?: boolean
  config?: Uint8Array
  claims?: Uint8Array
  keys?: Uint8Array[]
}

function check(change: Change = {}): Promise<string> {
  const { by = KMS, genesis = GENESIS, service = SERVICE, vouched = SERVICE, config = CONFIG } = change
  const document = {
    version: 1,
    genesis,
    certificate: toHex(crypto.sha256(vouched.der)),
    notBefore: FAKE_NOW,
    notAfter: FAKE_NOW + 1,
  }
  const envelope = signDsse(AZURE_PAYLOAD_TYPES.service, encodeDocument(document), [by])
  log.entries = [new Uint8Array([1]), change.isLogged === false ? new Uint8Array([2]) : envelope]
  const leaf = {
    write_set_digest: GENESIS,
    commit_evidence: 'ce:test',
    claims_digest: toHex(crypto.sha256(change.claims ?? config)),
  }
  const node = service.issue({ commonName: 'Node' })
  const { preimage, proofs } = buildReceiptTree([leaf])
  const raw = crypto.ecdsa.importPrivate('P-384', 'sha256', node.key.privateKey).sign(preimage)
  const receipt: CcfReceipt = {
    cert: node.pem,
    leaf_components: leaf,
    proof: proofs[0]!,
    signature: toBase64(ecdsaDer(raw)),
  }
  const answers: Record<string, unknown> = {
    '/sotto/service': { certificate: SERVICE.pem, statement: { envelope: fromUtf8(envelope), index: 1 } },
    '/listpubkeys': [{ publicKey: toHex(config), receipt: JSON.stringify(receipt) }],
  }
  const keys = (change.keys ?? [CONFIG]).map((one) => ({ config: toBase64Url(one) }))
  const verified = { genesis: GENESIS, signingKey: KMS.publicKey, keySet: { keys } }
  const policy = {
    log: { origin: log.origin, key: log.key },
    witnesses: { keys: log.witnessKeys.map((key) => ({ key })), quorum: 2 },
  }
  return checkAzureService(
    {
      url: 'https://kms.test',
      logUrl: 'http://log.test',
      policy: policy as unknown as TrustPolicy,
      service: verified as unknown as TrustedService,
      now: FAKE_NOW,
    },
    async (url, ca) => {
      expect(ca).toBe(url.endsWith('/listpubkeys') ? SERVICE.pem : undefined)
      return JSON.stringify(answers[new URL(url).pathname])
    },
  )
}

test(
  claim('T1', 'the certificate that clients of another dialect pin is given out when all of it holds'),
  async () => {
    expect(await check()).toBe(SERVICE.pem)
  },
)

const stranger = fakeRoot({ commonName: 'Service', curve: 'P-384' })
const other = CONFIG.slice()
other[0]! += 1
test.each<[string, Change, string]>([
  ['signed by another key', { by: signer() }, 'DSSE_SIGNATURE'],
  ['of another genesis', { genesis: 'cd'.repeat(32) }, 'AZURE_RECEIPT_INVALID'],
  ['about another certificate', { vouched: stranger }, 'AZURE_RECEIPT_INVALID'],
  ['not where the log should have it', { isLogged: false }, 'MERKLE_INCLUSION'],
  ['with a receipt of another service', { service: stranger }, 'AZURE_RECEIPT_INVALID'],
  ['with a receipt about another key', { claims: other }, 'AZURE_RECEIPT_INVALID'],
  ['with a key that the logged set has not', { keys: [other] }, 'AZURE_RECEIPT_INVALID'],
])('refused: %s', async (_name, change, code) => {
  await expect(check(change)).rejects.toMatchObject({ code })
})
