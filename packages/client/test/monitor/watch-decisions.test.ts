import { CONSOLE_RELEASE_PREDICATE } from '@sotto/protocol/console-release'
import { describe, expect, test } from 'vitest'
import { toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { parseDsse, signDsse } from '@sotto/protocol/dsse'
import { CUSTODY_TYPES } from '@sotto/protocol/custody'
import { genesisInForce, parseDecision } from '@sotto/protocol/governance'
import {
  decodeDocument,
  encodeDocument,
  genesisDecoder,
  releaseStatementDecoder,
  type KeyReleasePolicy,
  type ReleaseStatement,
} from '@sotto/protocol/keyrelease'
import { createReceipt, decide, fakeSigner } from '@sotto/testkit'
import { openDesk, PAYLOAD_TYPES, type Desk } from './support.ts'

describe('who runs it and who decides', () => {
  test('a statement key that the root key did not certify, and boots more often than expected', async () => {
    const desk = await openDesk()
    const { world } = desk
    const certificate = (offset: number): object => ({
      version: 1,
      genesis: world.genesisDigest,
      signingKey: toBase64Url(fakeSigner().publicKey),
      notBefore: world.now - offset,
      notAfter: world.now - offset + 86_400,
    })
    desk.log(PAYLOAD_TYPES.kmsCertificate, certificate(1), world.signers.member)
    expect(await desk.codes()).toEqual(['CERTIFICATE_UNSIGNED'])
    for (let boot = 0; boot < 4; boot++)
      desk.log(PAYLOAD_TYPES.kmsCertificate, certificate(boot), world.signers.root)
    expect(await desk.codes()).toEqual(['BOOT_TOO_OFTEN'])
    expect(desk.alerts.at(-1)).toMatchObject({ expected: 'at most 4 a day', found: '5' })
    desk.log(PAYLOAD_TYPES.kmsCertificate, certificate(-200_000), world.signers.root)
    expect(await desk.codes()).toEqual([])
  })

  test('a root key goes on only where the one before signed it too', async () => {
    const desk = await openDesk()
    const { world } = desk
    const next = fakeSigner()
    const key = (signer: typeof next): string => toBase64Url(signer.publicKey)
    const handOver = (by: (typeof next)[], change: object = {}): void => {
      const document = {
        version: 1,
        genesis: world.genesisDigest,
        sequence: 1,
        previousKey: key(world.signers.root),
        rootKey: key(next),
        createdAt: world.now,
        ...change,
      }
      world.log.append(signDsse(CUSTODY_TYPES.rootSuccession, encodeDocument(document), by))
    }
    handOver([next])
    handOver([world.signers.root])
    handOver([next, world.signers.member], { previousKey: key(world.signers.member) })
    handOver([world.signers.root, next], { createdAt: 'now' })
    expect(await desk.codes()).toEqual(['ROOT_UNSIGNED', 'ROOT_UNSIGNED', 'ROOT_UNSIGNED', 'ROOT_MALFORMED'])
    const boot = (by: typeof next): void =>
      desk.log(
        PAYLOAD_TYPES.kmsCertificate,
        {
          version: 1,
          genesis: world.genesisDigest,
          signingKey: key(fakeSigner()),
          notBefore: world.now,
          notAfter: world.now + 60,
        },
        by,
      )
    handOver([world.signers.root, next])
    boot(next)
    expect(await desk.codes()).toEqual([])
    boot(world.signers.root)
    expect(await desk.codes()).toEqual(['CERTIFICATE_SUPERSEDED'])
  })

  const statementOf = (desk: Desk): ReleaseStatement =>
    decodeDocument(
      parseDsse(utf8(desk.world.bundle.releases[1]!.envelope)).payload,
      releaseStatementDecoder,
      'release',
    )

  test('releases: an unknown key, a step back, a revoked digest', async () => {
    const desk = await openDesk()
    const { signers } = desk.world
    const statement = statementOf(desk)
    const version = (securityVersion: number): object => ({
      ...statement,
      predicate: { ...statement.predicate, securityVersion },
    })
    desk.log(PAYLOAD_TYPES.release, statement, fakeSigner())
    expect(await desk.codes()).toEqual(['RELEASE_UNKNOWN_KEY'])
    desk.log(PAYLOAD_TYPES.release, version(3), signers.release)
    desk.log(PAYLOAD_TYPES.release, version(2), signers.release)
    expect(await desk.codes()).toEqual(['RELEASE_OLDER'])
    desk.options.expect = { ...desk.options.expect, revoked: [statement.subject[0].digest.sha256] }
    desk.log(PAYLOAD_TYPES.release, version(4), signers.release)
    expect(await desk.codes()).toEqual(['RELEASE_REVOKED'])
    desk.log(
      PAYLOAD_TYPES.release,
      { ...statement, predicate: { ...statement.predicate, evidence: { family: 'nvidia' } } },
      signers.release,
    )
    expect(await desk.codes()).toEqual(['RELEASE_MALFORMED'])
  })

  test('releases of the web pages: an unknown key, a step back, a revoked digest', async () => {
    const desk = await openDesk()
    const { signers } = desk.world
    const pages = (securityVersion: number, sha256 = 'ab'.repeat(32)): object => ({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: 'console', digest: { sha256 } }],
      predicateType: CONSOLE_RELEASE_PREDICATE,
      predicate: { version: '0.1.0', securityVersion, createdAt: desk.world.now },
    })
    desk.log(PAYLOAD_TYPES.release, pages(1), fakeSigner())
    expect(await desk.codes()).toEqual(['RELEASE_UNKNOWN_KEY'])
    desk.log(PAYLOAD_TYPES.release, pages(3), signers.release)
    expect(await desk.codes()).toEqual([])
    desk.log(PAYLOAD_TYPES.release, pages(2), signers.release)
    expect(await desk.codes()).toEqual(['RELEASE_OLDER'])
    desk.options.expect = { ...desk.options.expect, revoked: ['cd'.repeat(32)] }
    desk.log(PAYLOAD_TYPES.release, pages(4, 'cd'.repeat(32)), signers.release)
    expect(await desk.codes()).toEqual(['RELEASE_REVOKED'])
    desk.log(PAYLOAD_TYPES.release, pages(-1), signers.release)
    expect(await desk.codes()).toEqual(['RELEASE_MALFORMED'])
  })

  /** A decision of the world's members about a key-release policy. */
  async function proposing(
    change: (policy: KeyReleasePolicy) => KeyReleasePolicy,
    by: Partial<Parameters<typeof decide>[0]> = {},
  ): Promise<string[]> {
    const desk = await openDesk()
    const { world } = desk
    expect(await desk.codes()).toEqual([])
    const { decision, digest } = parseDecision(utf8(world.bundle.policy.envelope))
    const genesis = decodeDocument(
      parseDsse(utf8(world.bundle.genesis.envelope)).payload,
      genesisDecoder,
      'genesis',
    )
    const [, payload = ''] = decision.proposal.split('.')
    const before = (JSON.parse(Buffer.from(payload, 'base64url').toString()) as { body: KeyReleasePolicy })
      .body
    world.log.append(
      decide({
        inForce: genesisInForce(genesis, world.genesisDigest),
        kind: 'key-release-policy',
        body: change({ ...before, createdAt: before.createdAt + 10 }),
        voters: [world.signers.member],
        kms: world.signers.kms,
        now: world.now,
        sequence: decision.sequence + 1,
        previous: digest,
        ...by,
      }),
    )
    return desk.codes()
  }
  const same = (policy: KeyReleasePolicy): KeyReleasePolicy => policy
  const other = (policy: KeyReleasePolicy): KeyReleasePolicy => ({
    ...policy,
    anyOf: policy.anyOf.map((tuple) => ({
      ...tuple,
      allOf: tuple.allOf.map((component) => ({ ...component, measurements: ['f0'.repeat(48)] })),
    })),
  })
  test.each<[string, string[], () => Promise<string[]>]>([
    ['a younger policy of accepted releases', [], () => proposing(same)],
    ['a tuple that no release covers', ['POLICY_TUPLE'], () => proposing(other)],
    [
      'an older policy',
      ['POLICY_OLDER'],
      () => proposing((policy) => ({ ...policy, createdAt: policy.createdAt - 50 })),
    ],
    ['nobody’s votes', ['DECISION_UNDECIDED'], () => proposing(same, { voters: [fakeSigner()] })],
    ['an envelope of somebody else', ['DECISION_UNCERTIFIED'], () => proposing(same, { kms: fakeSigner() })],
    ['a missing decision', ['GOVERNANCE_GAP'], () => proposing(same, { sequence: 9 })],
    ['a broken link', ['GOVERNANCE_FORK'], () => proposing(same, { previous: 'ab'.repeat(32) })],
    [
      'a second version of a decision',
      ['GOVERNANCE_FORK'],
      () => proposing(other, { sequence: 1, previous: '0'.repeat(64) }),
    ],
  ])('decisions: %s', async (_, codes, propose) => expect(await propose()).toEqual(codes))

  test('a constitution changes who decides next', async () => {
    const second = fakeSigner()
    const desk = await openDesk({
      constitutions: [
        {
          change: (constitution) => ({
            ...constitution,
            members: [...constitution.members, { name: 'second', key: toBase64Url(second.publicKey) }],
            majorities: { ...constitution.majorities, 'key-release-policy': 2 },
          }),
        },
      ],
      signers: {},
      decision: {},
    })
    // One of two members is not enough any more, and that is how the world decided.
    expect(await desk.codes()).toEqual(['DECISION_UNDECIDED', 'KEY_SET_POLICY'])
  })

  test.each<[string, string[], Parameters<typeof createReceipt>[1] & object]>([
    ['of the KMS', [], {}],
    ['of somebody else', ['RECEIPT_UNCERTIFIED'], { signers: { release: fakeSigner() } }],
    [
      'for an epoch that is not logged',
      ['RECEIPT_MISMATCH'],
      { release: (receipt) => ({ ...receipt, epoch: 2 }) },
    ],
    [
      'under a policy that is not logged',
      ['RECEIPT_MISMATCH'],
      { release: (receipt) => ({ ...receipt, policy: 'ab'.repeat(32) }) },
    ],
    [
      'that ends before it begins',
      ['RECEIPT_MALFORMED'],
      { release: (receipt) => ({ ...receipt, notAfter: 1 }) },
    ],
  ])('release receipts %s', async (_, codes, options) => {
    const desk = await openDesk()
    await createReceipt(desk.world, options)
    expect(await desk.codes()).toEqual(codes)
  })
})
