import { toBase64Url } from '@sotto/protocol/bytes'
import type { Component, PolicyTuple } from '@sotto/protocol/keyrelease'
import { fakeKeyConfig, fakeSigner, type World, type WorldOptions } from '@sotto/testkit'
import type { ClaimId } from '../../../../test/claims.ts'

/** A tuple whose component says something else. */
const changed = (tuple: PolicyTuple, change: object, name = tuple.name): PolicyTuple => ({
  ...tuple,
  name,
  allOf: [{ ...tuple.allOf[0]!, ...change }],
})

/** One dishonest world each: what is changed, which steps must fail, which promise that keeps. */
export const CASES: [
  claims: ClaimId | ClaimId[],
  what: string,
  steps: string[],
  options: WorldOptions | ((other: World) => WorldOptions),
][] = [
  [
    'T1',
    'another genuine KMS of the operator',
    ['genesis.pinned'],
    { policy: (policy) => ({ ...policy, genesis: '0'.repeat(64) }) },
  ],
  ['T1', 'a genesis somebody else signed', ['genesis.pinned'], { signers: { genesis: fakeSigner() } }],
  [
    'chain.log',
    'a log the policy does not name',
    ['log.checkpoint', 'genesis.pinned'],
    (other) => ({ policy: (policy) => ({ ...policy, log: { ...policy.log, key: other.log.key } }) }),
  ],
  [
    'chain.log',
    'one witness where two are required',
    ['log.witnesses', 'log.witnesses-independent'],
    { witnesses: 1 },
  ],
  [
    'T6',
    'a checkpoint older than an hour',
    ['log.witnesses', 'log.witnesses-independent'],
    { checkpointAge: 3700 },
  ],
  ['T6', 'a checkpoint from the future', ['log.witnesses'], { checkpointAge: -400 }],
  ['T6', 'evidence older than a day', ['kms.evidence-fresh'], { evidenceAge: 86_500 }],
  [
    'chain.log',
    'witnesses of the operator only',
    ['log.witnesses', 'log.witnesses-independent'],
    {
      policy: (policy) => ({
        ...policy,
        witnesses: {
          ...policy.witnesses,
          keys: policy.witnesses.keys.map((key) => ({ ...key, operator: true })),
        },
      }),
    },
  ],
  [
    'chain.evidence',
    'a software root the policy does not name',
    ['kms.evidence', 'keys.policy-tuples'],
    (other) => ({
      policy: (policy) => ({ ...policy, platforms: other.policy.platforms }),
    }),
  ],
  [
    'T10',
    'a software TEE under a policy for hardware',
    ['kms.evidence', 'keys.policy-tuples'],
    {
      policy: (policy) => ({
        ...policy,
        platforms: [{ name: 'milan', allOf: [{ family: 'sev-snp' }] }],
      }),
    },
  ],
  [
    'chain.measurement',
    'a KMS measurement nobody released',
    ['kms.measurement'],
    { measurement: 'c3'.repeat(48) },
  ],
  [
    'chain.measurement',
    'a release statement signed by somebody else',
    ['kms.release-logged'],
    { signers: { release: fakeSigner() } },
  ],
  [
    'T2',
    'a revoked measurement',
    ['keys.policy-tuples'],
    { policy: (policy) => ({ ...policy, revoked: ['b2'.repeat(32) + '00'.repeat(16)] }) },
  ],
  [
    'T2',
    'a release older than the policy allows',
    ['keys.policy-tuples'],
    { policy: (policy) => ({ ...policy, minSecurityVersion: { kms: 1, inference: 2 } }) },
  ],
  [
    'T2',
    'a second tuple that is no release',
    ['keys.policy-tuples'],
    {
      keyPolicy: (keyPolicy) => ({
        ...keyPolicy,
        anyOf: [
          ...keyPolicy.anyOf,
          changed(keyPolicy.anyOf[0]!, { measurements: ['dd'.repeat(48)] }, 'extra'),
        ],
      }),
    },
  ],
  [
    'T2',
    'a tuple that admits one program more than its release',
    ['keys.policy-tuples'],
    {
      keyPolicy: (keyPolicy) => ({
        ...keyPolicy,
        anyOf: keyPolicy.anyOf.map((tuple) =>
          changed(tuple, {
            measurements: [
              ...(tuple.allOf[0]!['measurements'] as string[]),
              { value: 'dd'.repeat(48), notAfter: 1 },
            ],
          }),
        ),
      }),
    },
  ],
  [
    'T2',
    'a tuple that leaves the program open',
    ['keys.policy-tuples'],
    {
      keyPolicy: (keyPolicy) => ({
        ...keyPolicy,
        anyOf: keyPolicy.anyOf.map((tuple) => {
          const { measurements: _, ...rest } = tuple.allOf[0]!
          return { ...tuple, allOf: [rest as Component] }
        }),
      }),
    },
  ],
  [
    'T2',
    'a tuple that also admits another root',
    ['keys.policy-tuples'],
    (other) => ({
      keyPolicy: (keyPolicy) => ({
        ...keyPolicy,
        anyOf: keyPolicy.anyOf.map((tuple) =>
          changed(tuple, { roots: [...(tuple.allOf[0]!['roots'] as string[]), other.root.digest] }),
        ),
      }),
    }),
  ],
  [
    'chain.policy',
    'a component that no family reads',
    ['keys.policy'],
    {
      keyPolicy: (keyPolicy) => ({
        ...keyPolicy,
        anyOf: keyPolicy.anyOf.map((tuple) => changed(tuple, { minimumVersion: 3 })),
      }),
    },
  ],
  [
    'chain.measurement',
    'a release statement whose evidence is of another image',
    ['kms.release-logged'],
    {
      release: (statement) => ({
        ...statement,
        predicate: {
          ...statement.predicate,
          evidence: { ...statement.predicate.evidence, measurements: ['dd'.repeat(48)] },
        },
      }),
    },
  ],
  [
    'chain.policy',
    'a tuple that mixes the measurement of one release with the configuration of another',
    ['keys.policy-tuples'],
    (other) => ({
      keyPolicy: (keyPolicy) => ({
        ...keyPolicy,
        anyOf: [changed(keyPolicy.anyOf[0]!, { hostData: [other.images.kms.hostData] })],
      }),
    }),
  ],
  [
    'T2',
    'a tuple of another role',
    ['keys.policy-tuples'],
    { keyPolicy: (keyPolicy) => ({ ...keyPolicy, anyOf: [{ ...keyPolicy.anyOf[0]!, role: 'kms' }] }) },
  ],
  ['chain.policy', 'a policy no member signed', ['keys.policy'], { signers: { keyPolicy: fakeSigner() } }],
  [
    'chain.policy',
    'a policy of another genesis',
    ['keys.policy'],
    { keyPolicy: (keyPolicy) => ({ ...keyPolicy, genesis: '1'.repeat(64) }) },
  ],
  [
    'chain.receipt',
    'a key set the KMS did not sign',
    ['keys.receipt'],
    { signers: { keySet: fakeSigner() } },
  ],
  [
    'chain.receipt',
    'a key set of another genesis',
    ['keys.receipt'],
    { keySet: (keySet) => ({ ...keySet, genesis: '1'.repeat(64) }) },
  ],
  [
    'chain.receipt',
    'a key identifier twice in a set',
    ['keys.receipt'],
    { keySet: (keySet) => ({ ...keySet, keys: [keySet.keys[0]!, keySet.keys[0]!] }) },
  ],
  [
    'chain.evidence',
    'a statement key certified by another root',
    ['kms.certificate'],
    { signers: { certificate: fakeSigner() } },
  ],
  [
    'chain.evidence',
    'an expired statement key',
    ['kms.certificate'],
    { certificate: (certificate) => ({ ...certificate, notAfter: certificate.notBefore + 1 }) },
  ],
  [
    'chain.evidence',
    'a certified key that is not the bound key',
    ['kms.certificate'],
    { certificate: (certificate) => ({ ...certificate, signingKey: toBase64Url(fakeSigner().publicKey) }) },
  ],
  [
    'T1',
    'evidence bound to another genesis',
    ['kms.binding'],
    { binding: (binding) => ({ ...binding, genesis: '2'.repeat(64) }) },
  ],
  [
    'T6',
    'evidence bound to another checkpoint',
    ['kms.binding'],
    { binding: (binding) => ({ ...binding, checkpoint: '2'.repeat(64) }) },
  ],
  [
    'T5',
    'keys below the floor of the policy',
    ['keys.suite'],
    { policy: (policy) => ({ ...policy, kems: ['X-Wing'] }) },
  ],
  [
    'chain.receipt',
    'keys that expired',
    ['keys.validity'],
    {
      keys: (policy, now) => [
        { keyId: 1, config: toBase64Url(fakeKeyConfig(1)), policy, notBefore: now - 9, notAfter: now },
      ],
    },
  ],
  [
    'chain.receipt',
    'a configuration under another identifier',
    ['keys.suite'],
    {
      keys: (policy, now) => [
        { keyId: 1, config: toBase64Url(fakeKeyConfig(2)), policy, notBefore: now - 9, notAfter: now + 9 },
      ],
    },
  ],
  [
    'T2',
    'keys under a policy that was not shown',
    ['keys.suite'],
    {
      keySet: (keySet) => ({
        ...keySet,
        keys: keySet.keys.map((key) => ({ ...key, policy: '3'.repeat(64) })),
      }),
    },
  ],
]
