import { ByteReader, fromBase64Url, utf8 } from '@sotto/protocol/bytes'
import { parseDsse, verifyDsse } from '@sotto/protocol/dsse'
import {
  decodeDocument,
  documentDigest,
  keySetDecoder,
  PAYLOAD_TYPES,
  parseKeyReleasePolicy,
} from '@sotto/protocol/keyrelease'
import type { AllowedKem } from '../policy/index.ts'
import type { Facts, UsableKey } from './facts.ts'
import { findRelease, requireAcceptable } from './kms-checks.ts'
import { requireLogged } from './log-checks.ts'
import { Refusal, Skip, type Check } from './steps.ts'

/** HPKE KEM identifiers (RFC 9180 Section 7.1; draft-ietf-hpke-pq for X-Wing). */
const KEM_NAMES: Readonly<Record<number, AllowedKem>> = {
  0x0020: 'X25519',
  0x0011: 'P-384',
  0x647a: 'X-Wing',
}

export const KEY_CHECKS: readonly Check<Facts>[] = [
  {
    name: 'keys.receipt',
    title: 'The KMS signed this whole set of request keys',
    needs: ['signingKey', 'genesisDigest'],
    run({ bundle, signingKey, genesisDigest }) {
      const { payload } = verifyDsse(parseDsse(utf8(bundle.keySet.envelope)), PAYLOAD_TYPES.keySet, [
        signingKey,
      ])
      const keySet = decodeDocument(payload, keySetDecoder, 'keySet')
      if (keySet.genesis !== genesisDigest)
        throw new Refusal('key set is of another genesis', genesisDigest, keySet.genesis)
      if (new Set(keySet.keys.map(({ keyId }) => keyId)).size < keySet.keys.length)
        throw new Refusal('a key identifier stands twice')
      return { adds: { keySet }, found: `epoch ${keySet.epoch}, ${keySet.keys.length} keys` }
    },
  },
  {
    name: 'keys.logged',
    title: 'The key set is in the log: nobody gets a private one unseen',
    needs: ['keySet', 'checkpoint'],
    run: ({ bundle, checkpoint }) => requireLogged(bundle.keySet, checkpoint),
  },
  {
    name: 'keys.policy',
    title: 'The key-release policy is signed by the members the genesis names, and in the log',
    needs: ['genesis', 'genesisDigest', 'checkpoint'],
    run({ bundle, genesis, genesisDigest, checkpoint }) {
      const members = genesis.members.map(({ key }) => fromBase64Url(key))
      const { payload } = verifyDsse(
        parseDsse(utf8(bundle.policy.envelope)),
        PAYLOAD_TYPES.keyReleasePolicy,
        members,
        genesis.threshold,
      )
      requireLogged(bundle.policy, checkpoint)
      const keyPolicy = parseKeyReleasePolicy(payload)
      if (keyPolicy.genesis !== genesisDigest)
        throw new Refusal('policy is of another genesis', genesisDigest, keyPolicy.genesis)
      return {
        adds: { keyPolicy, keyPolicyDigest: documentDigest(payload) },
        found: keyPolicy.anyOf.map(({ name }) => name).join(', '),
      }
    },
  },
  {
    name: 'keys.policy-tuples',
    title: 'Every workload that may hold the private keys is an accepted release',
    needs: ['keyPolicy', 'releases'],
    run({ keyPolicy, releases, policy }) {
      for (const tuple of keyPolicy.anyOf) {
        if (tuple.role !== 'inference')
          throw new Refusal(
            `tuple ${tuple.name} lets another role hold request keys`,
            'inference',
            tuple.role,
          )
        if (!policy.roots.some(({ family, root }) => family === tuple.family && root === tuple.root)) {
          throw new Refusal(
            `tuple ${tuple.name} accepts a root the policy does not name`,
            policy.roots.map(({ root }) => root).join(' or '),
            tuple.root,
          )
        }
        const release = findRelease(releases, tuple.role, tuple.measurement, tuple.hostData)
        if (!release)
          throw new Refusal(
            `tuple ${tuple.name} is no accepted release`,
            'a logged release statement',
            `${tuple.measurement} with ${tuple.hostData}`,
          )
        requireAcceptable(release, tuple.family, policy)
      }
      return { found: `${keyPolicy.anyOf.length} of ${keyPolicy.anyOf.length} tuples` }
    },
  },
  {
    name: 'keys.suite',
    title: 'The keys use a key encapsulation the policy allows',
    needs: ['keySet', 'keyPolicyDigest'],
    run({ keySet, policy, keyPolicyDigest }) {
      // A key under another policy is not refused, it is not used: its tuples were not appraised.
      const own = keySet.keys.filter((key) => key.policy === keyPolicyDigest)
      const allowedKeys: UsableKey[] = []
      for (const { keyId, config, notBefore, notAfter } of own) {
        const bytes = fromBase64Url(config)
        const reader = new ByteReader(bytes)
        const configId = reader.uint(1)
        const kem = KEM_NAMES[reader.uint(2)]
        if (configId !== keyId)
          throw new Refusal('a key configuration carries another identifier', `${keyId}`, `${configId}`)
        if (kem && policy.kems.includes(kem))
          allowedKeys.push({ keyId, kem, config: bytes, notBefore, notAfter })
      }
      if (allowedKeys.length === 0)
        throw new Refusal(
          'no key of this policy uses an allowed key encapsulation',
          policy.kems.join(' or '),
          `${own.length} keys`,
        )
      // The policy lists key encapsulations in order of preference.
      allowedKeys.sort(
        (a, b) => policy.kems.indexOf(a.kem) - policy.kems.indexOf(b.kem) || b.notAfter - a.notAfter,
      )
      return {
        adds: { allowedKeys },
        expected: policy.kems.join(' or '),
        found: [...new Set(allowedKeys.map(({ kem }) => kem))].join(', '),
      }
    },
  },
  {
    name: 'keys.validity',
    title: 'At least one key is valid now',
    needs: ['allowedKeys'],
    run({ allowedKeys, context: { now } }) {
      const usableKeys = allowedKeys.filter(({ notBefore, notAfter }) => notBefore <= now && now < notAfter)
      if (usableKeys.length === 0)
        throw new Refusal(
          'no key is valid now',
          `a key valid at ${now}`,
          allowedKeys.map(({ notBefore, notAfter }) => `${notBefore} to ${notAfter}`).join(', '),
        )
      return {
        adds: { usableKeys },
        found: `${usableKeys.length}, until ${Math.max(...usableKeys.map(({ notAfter }) => notAfter))}`,
      }
    },
  },
  later(
    'hardware.cpu-vendor',
    'The processor vendor vouches for the hardware',
    'the software TEE has no vendor: it protects nothing from the owner of the machine',
  ),
  later('hardware.gpu', 'Every GPU is attested and bound to the processor report', 'no GPU takes part'),
  later('tokens.issuer', 'Tokens cannot be linked to their use', 'this deployment asks for no token'),
]

function later(name: string, title: string, reason: string): Check<Facts> {
  return {
    name,
    title,
    needs: [],
    maySkip: true,
    run() {
      throw new Skip(reason)
    },
  }
}
