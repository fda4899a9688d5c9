import { fromBase64Url, utf8 } from '@sotto/protocol/bytes'
import { parseDsse, verifyDsse } from '@sotto/protocol/dsse'
import { proofHashes } from '@sotto/protocol/evidence'
import {
  bindReportData,
  decodeDocument,
  documentDigest,
  genesisDecoder,
  kmsCertificateDecoder,
  PAYLOAD_TYPES,
  releaseStatementDecoder,
  type EvidenceFamily,
  type ReleaseStatement,
  type Role,
} from '@sotto/protocol/keyrelease'
import { softwareMeasurement } from '@sotto/protocol/measurement'
import { verifyConsistency } from '@sotto/protocol/merkle'
import { authenticateEvidence, requireReportData } from '../evidence.ts'
import type { StepName } from '../policy/index.ts'
import { findGuestDefects } from '../snp/index.ts'
import type { AcceptedRelease, Facts } from './facts.ts'
import { CLOCK_SKEW_SECONDS, requireFresh, requireLogged, verifyUnder } from './log-checks.ts'
import { Refusal, type Check } from '../checks/index.ts'

/** What hardware reported, or a tuple claims: to be found whole in one release statement. */
export interface ClaimedWorkload {
  role: Role
  family: EvidenceFamily
  measurement: string
  hostData: string
}

/**
 * The release statement that covers a workload as a whole and that the policy accepts. Logged is
 * not yet acceptable (T2), and nothing is put together from two statements.
 */
export function requireRelease(
  releases: readonly AcceptedRelease[],
  workload: ClaimedWorkload,
  policy: Facts['policy'],
): AcceptedRelease {
  const { role, family, measurement, hostData } = workload
  const covering = releases.filter(
    (release) =>
      release.statement.predicate.role === role &&
      release.statement.predicate.platform === family &&
      release.measurement === measurement &&
      release.hostData === hostData,
  )
  if (covering.length === 0) {
    throw new Refusal(
      'no release statement covers this measurement and configuration',
      `a release of role ${role} for ${family}`,
      `${measurement} with ${hostData}`,
    )
  }
  const version = `${role} ${covering[0]!.statement.predicate.version}`
  if (policy.revoked.includes(measurement))
    throw new Refusal(`${version} is revoked by the policy`, 'an unrevoked measurement', measurement)
  const minimum = policy.minSecurityVersion[role]
  const newest = covering.reduce((a, b) =>
    b.statement.predicate.securityVersion > a.statement.predicate.securityVersion ? b : a,
  )
  const { securityVersion } = newest.statement.predicate
  if (securityVersion < minimum)
    throw new Refusal(
      `${version} is older than the policy allows`,
      `security version ${minimum}`,
      `${securityVersion}`,
    )
  return newest
}

/** What hardware reports for the image of a statement. Another family counts its images another way. */
function measurementOf({ subject: [image], predicate }: ReleaseStatement): string | undefined {
  return predicate.platform === 'software' ? softwareMeasurement(image.digest.sha256) : undefined
}

export const KMS_CHECKS: readonly Check<Facts, StepName>[] = [
  {
    name: 'genesis.pinned',
    title: 'This is the KMS the policy pins, not another one of the operator',
    needs: [],
    run({ bundle, policy }) {
      const envelope = parseDsse(utf8(bundle.genesis.envelope))
      const digest = documentDigest(envelope.payload)
      if (digest !== policy.genesis) throw new Refusal('another genesis', policy.genesis, digest)
      const genesis = decodeDocument(envelope.payload, genesisDecoder, 'genesis')
      verifyDsse(envelope, PAYLOAD_TYPES.genesis, [fromBase64Url(genesis.rootKey)])
      if (genesis.log.origin !== policy.log.origin || genesis.log.key !== policy.log.key)
        throw new Refusal('genesis names another log', policy.log.key, genesis.log.key)
      return { adds: { genesis, genesisDigest: digest }, expected: policy.genesis, found: digest }
    },
  },
  {
    name: 'genesis.logged',
    title: 'The genesis is in the log',
    needs: ['genesis', 'checkpoint'],
    run: ({ bundle, checkpoint }) => requireLogged(bundle.genesis, checkpoint),
  },
  {
    name: 'kms.evidence',
    title: 'The KMS runs where its evidence says, under a root the policy names',
    needs: [],
    run({ bundle, policy }) {
      const evidence = authenticateEvidence(bundle.kms.evidence, policy.roots)
      const defects = findGuestDefects(evidence.report)
      if (defects.length > 0)
        throw new Refusal('the guest keeps no secret', 'POLICY without DEBUG, VMPL 0', defects.join('; '))
      return { adds: { evidence }, found: `${evidence.family}, root ${evidence.root}` }
    },
  },
  {
    name: 'kms.evidence-fresh',
    title: 'The evidence is younger than a recent witnessed checkpoint',
    needs: ['checkpoint'],
    run({ bundle, policy, context, checkpoint }) {
      const bound = verifyUnder(policy, bundle.kms.boundCheckpoint)
      const age = requireFresh(bound.time, context.now, policy.evidenceMaxAgeSeconds)
      verifyConsistency(
        bound.size,
        bound.root,
        checkpoint.size,
        checkpoint.root,
        proofHashes(bundle.kms.consistency),
      )
      return {
        adds: { boundCheckpoint: bound },
        expected: `at most ${policy.evidenceMaxAgeSeconds} s`,
        found: `${Math.max(0, age)} s`,
      }
    },
  },
  {
    name: 'kms.binding',
    title: 'The evidence is bound to this genesis, statement key and checkpoint',
    needs: ['evidence', 'genesisDigest', 'boundCheckpoint'],
    run({ bundle, evidence, genesisDigest, boundCheckpoint }) {
      const { binding } = bundle.kms
      requireReportData(evidence, bindReportData('kms', binding))
      if (binding.genesis !== genesisDigest)
        throw new Refusal('bound to another genesis', genesisDigest, binding.genesis)
      if (binding.checkpoint !== boundCheckpoint.digest)
        throw new Refusal('bound to another checkpoint', boundCheckpoint.digest, binding.checkpoint)
      return { adds: { isBound: true } }
    },
  },
  {
    name: 'kms.release-logged',
    title: 'Release statements are signed by pinned release keys and in the log',
    needs: ['checkpoint'],
    run({ bundle, policy, checkpoint }) {
      const keys = policy.releaseKeys.map(fromBase64Url)
      const releases = bundle.releases.map((proven): AcceptedRelease => {
        const { payload } = verifyDsse(parseDsse(utf8(proven.envelope)), PAYLOAD_TYPES.release, keys)
        requireLogged(proven, checkpoint)
        const statement = decodeDocument(payload, releaseStatementDecoder, 'release')
        const hostData = statement.subject[1].digest.sha256
        return { statement, measurement: measurementOf(statement), hostData }
      })
      return {
        adds: { releases },
        found: releases
          .map(({ statement: { predicate } }) => `${predicate.role} ${predicate.version}`)
          .join(', '),
      }
    },
  },
  {
    name: 'kms.measurement',
    title: 'What the hardware measured is an accepted release of the KMS',
    needs: ['evidence', 'releases', 'isBound'],
    run({ evidence, releases, policy }) {
      const { family, measurement, hostData } = evidence
      const release = requireRelease(releases, { role: 'kms', family, measurement, hostData }, policy)
      return {
        adds: { kmsRelease: release },
        found: `kms ${release.statement.predicate.version}, ${evidence.measurement}`,
      }
    },
  },
  {
    name: 'kms.certificate',
    title: 'The statement key is certified by the genesis root key, bound in the evidence and in the log',
    needs: ['genesis', 'genesisDigest', 'kmsRelease', 'checkpoint'],
    run({ bundle, genesis, genesisDigest, checkpoint, context }) {
      const proven = bundle.kms.certificate
      const { payload } = verifyDsse(parseDsse(utf8(proven.envelope)), PAYLOAD_TYPES.kmsCertificate, [
        fromBase64Url(genesis.rootKey),
      ])
      requireLogged(proven, checkpoint)
      const certificate = decodeDocument(payload, kmsCertificateDecoder, 'certificate')
      if (certificate.genesis !== genesisDigest)
        throw new Refusal('certificate is of another genesis', genesisDigest, certificate.genesis)
      if (certificate.signingKey !== bundle.kms.binding.signingKey)
        throw new Refusal(
          'certified key is not the bound key',
          bundle.kms.binding.signingKey,
          certificate.signingKey,
        )
      if (context.now >= certificate.notAfter)
        throw new Refusal('certificate is expired', `after ${context.now}`, `${certificate.notAfter}`)
      if (context.now < certificate.notBefore - CLOCK_SKEW_SECONDS)
        throw new Refusal('certificate is not valid yet', `${context.now}`, `${certificate.notBefore}`)
      return {
        adds: {
          signingKey: fromBase64Url(certificate.signingKey),
          certificateNotAfter: certificate.notAfter,
        },
      }
    },
  },
]
