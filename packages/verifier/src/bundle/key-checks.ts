import { ByteReader, fromBase64Url, utf8 } from '@sotto/protocol/bytes'
import { parseDsse, verifyDsse } from '@sotto/protocol/dsse'
import { followConstitutions, genesisInForce, verifyDecision } from '@sotto/protocol/governance'
import {
  decodeDocument,
  documentDigest,
  keySetDecoder,
  PAYLOAD_TYPES,
  type KeyReleasePolicy,
  type PolicyTuple,
  type ReleaseStatement,
} from '@sotto/protocol/keyrelease'
import { hex, parseCanonicalJson } from '@sotto/protocol/jcs'
import { parseKeyConfig } from '@sotto/protocol/ohttp'
import type { AllowedKem, StepName } from '../policy/index.ts'
import { admits, covers, describeRelease, evidencePolicyOf } from '../workload/index.ts'
import { APP_CHECK } from './app-check.ts'
import { DATA_USE_CHECK } from './data-use-check.ts'
import type { Facts, UsableKey } from './facts.ts'
import { requireRelease } from './releases.ts'
import { requireLogged } from './log-checks.ts'
import { Refusal, Skip, type Check } from '../checks/index.ts'

/** HPKE KEM identifiers (RFC 9180 Section 7.1; draft-ietf-hpke-pq for X-Wing). */
const KEM_NAMES: Readonly<Record<number, AllowedKem>> = {
  0x0020: 'X25519',
  0x0011: 'P-384',
  0x647a: 'X-Wing',
}

export const KEY_CHECKS: readonly Check<Facts, StepName>[] = [
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
    title: 'Enough of the members accepted the key-release policy, and all of that is in the log',
    needs: ['genesis', 'genesisDigest', 'checkpoint'],
    run({ bundle, genesis, genesisDigest, checkpoint }) {
      for (const proven of [...bundle.governance, bundle.policy]) requireLogged(proven, checkpoint)
      const constitutions = followConstitutions(
        genesisInForce(genesis, genesisDigest),
        bundle.governance.map(({ envelope }) => utf8(envelope)),
      )
      const { digest } = constitutions.at(-1)!
      // A bundle that left the newest out would let members decide who are none any more.
      const named = constitutionOf(bundle)
      if (digest !== named) throw new Refusal('another constitution is in force', named, digest)
      const { proposal, accepted } = verifyDecision(utf8(bundle.policy.envelope), constitutions)
      if (proposal.kind !== 'key-release-policy')
        throw new Refusal('members accepted something else', 'a key-release policy', proposal.kind)
      const keyPolicy = proposal.body
      // What is no policy of evidence admits nothing, and would be compared as if it did.
      evidencePolicyOf(keyPolicy)
      return {
        adds: { keyPolicy, keyPolicyDigest: documentDigest(keyPolicy) },
        found: `${keyPolicy.anyOf.map(({ name }) => name).join(', ')}, accepted by ${accepted.map(({ name }) => name).join(', ')}`,
      }
    },
  },
  {
    name: 'keys.policy-tuples',
    title: 'Every workload that may hold the private keys is an accepted release',
    needs: ['keyPolicy', 'releases'],
    run({ bundle, keyPolicy, releases, policy }) {
      const refusals: Refusal[] = []
      const workloads = new Map<string, readonly ReleaseStatement[]>()
      const rooms = new Map<string, readonly ReleaseStatement[]>()
      const successors = new Map<string, readonly ReleaseStatement[]>()
      for (const tuple of keyPolicy.anyOf) {
        try {
          requireOwnKind(tuple, bundle)
          const covering = requireTuple(tuple, keyPolicy, releases, policy)
          // A KMS may take over from this one, and is judged as this one was; it is no workload that gets requests.
          const ofRole = { inference: workloads, room: rooms, kms: successors }[tuple.role]
          ofRole.set(tuple.name, covering)
        } catch (error) {
          refusals.push(error as Refusal)
        }
      }
      const [first, ...more] = refusals
      if (first)
        throw new Refusal(
          [first, ...more].map(({ message }) => message).join('; '),
          first.expected,
          first.found,
        )
      if (workloads.size === 0)
        throw new Refusal('no workload may hold the keys', 'a tuple of role inference')
      return {
        adds: { workloads, rooms, successors },
        found: keyPolicy.anyOf.map(({ name }) => name).join(', '),
      }
    },
  },
  DATA_USE_CHECK,
  APP_CHECK,
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
        if (!kem || !policy.kems.includes(kem)) continue
        parseKeyConfig(bytes)
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
  {
    name: 'hardware.cpu-vendor',
    title: 'The processor vendor vouches for the hardware',
    needs: ['evidence'],
    maySkip: true,
    run({ evidence: { software, trustedParties } }) {
      if (software)
        throw new Skip('the software TEE has no vendor: it protects nothing from the owner of the machine')
      return { found: trustedParties.join(', ') }
    },
  },
  {
    name: 'hardware.gpu',
    title: 'Every GPU is attested and bound to the processor report',
    needs: ['keyPolicy'],
    maySkip: true,
    run({ keyPolicy }) {
      const anyOf = keyPolicy.anyOf.filter(({ role }) => role === 'inference')
      const without = anyOf.filter(({ gpuBinding }) => gpuBinding === undefined).map(({ name }) => name)
      if (without.length === anyOf.length) throw new Skip('no GPU takes part')
      if (without.length > 0) throw new Skip(`no GPU takes part in ${without.join(', ')}`)
      const counts = anyOf.map(
        ({ name, gpuBinding }) => `${name}: ${gpuBinding!.minGpus} to ${gpuBinding!.maxGpus}`,
      )
      return { found: counts.join(', ') }
    },
  },
  {
    name: 'tokens.issuer',
    title: 'Tokens cannot be linked to their use',
    needs: [],
    maySkip: true,
    run() {
      throw new Skip('this deployment asks for no token')
    },
  },
]

/** What the key set says is in force. That the KMS says so, and that the rest of it makes sense, is for keys.receipt. */
function constitutionOf({ keySet }: Facts['bundle']): string {
  const set = parseCanonicalJson(parseDsse(utf8(keySet.envelope)).payload)
  return hex(32)((set as { constitution?: unknown } | null)?.constitution, 'keySet.constitution')
}

/** A KMS on hardware releases nothing to the software TEE, and the other way round (T10). */
function requireOwnKind({ name, allOf }: PolicyTuple, { kms: { evidence } }: Facts['bundle']): void {
  const isSoftware = evidence.some(({ family }) => family === 'software')
  if (allOf.some(({ family }) => (family === 'software') !== isSoftware))
    throw new Refusal(`tuple ${name}: it is for the other kind of TEE than that of the KMS`)
}

/** One tuple is a workload this policy accepts, as a whole: role, hardware and release. Gives every release that covers it. */
function requireTuple(
  tuple: PolicyTuple,
  keyPolicy: KeyReleasePolicy,
  releases: readonly ReleaseStatement[],
  policy: Facts['policy'],
): readonly ReleaseStatement[] {
  const { name, role } = tuple
  if (!admits(policy, tuple, keyPolicy)) {
    throw new Refusal(
      `tuple ${name}: it admits hardware that no platform of the policy does`,
      policy.platforms.map((platform) => platform.name).join(' or '),
      tuple.allOf.map(({ family }) => family).join(' with '),
    )
  }
  const covering = releases.filter((statement) => covers(statement, tuple))
  const expected = releases.filter(({ predicate }) => predicate.role === role).map(describeRelease)
  try {
    requireRelease(
      covering,
      { role, expected: expected.join(' or '), found: name, names: tuple.allOf },
      policy,
    )
  } catch (error) {
    const { message, expected: wanted, found } = error as Refusal
    throw new Refusal(`tuple ${name}: ${message}`, wanted, found)
  }
  return covering
}
