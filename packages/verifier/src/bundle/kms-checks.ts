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
  type AdmissionTuple,
} from '@sotto/protocol/keyrelease'
import { verifyConsistency } from '@sotto/protocol/merkle'
import { appraiseEvidence, BINDINGS, type EvidenceAppraisal } from '../appraisal/index.ts'
import type { StepName } from '../policy/index.ts'
import {
  describeRelease,
  evidencePieces,
  findReleaseDefect,
  platformPolicy,
  programOf,
  refusalText,
  withRelease,
} from '../workload/index.ts'
import type { Step } from '../result.ts'
import type { Facts } from './facts.ts'
import { CLOCK_SKEW_SECONDS, requireFresh, requireLogged, verifyUnder } from './log-checks.ts'
import { nameOf, requireRelease } from './releases.ts'
import { followRoots } from './roots.ts'
import { Refusal, type Check } from '../checks/index.ts'

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
    title: 'The KMS runs where its evidence says, on hardware the policy accepts',
    needs: [],
    run(facts) {
      const kmsPieces = evidencePieces(facts.bundle.kms.evidence)
      const evidence = appraiseKms({ ...facts, kmsPieces }, facts.policy.platforms)
      // What it is bound to is a question of its own: see kms.binding.
      if (!evidence.admitted && bindingFailure(evidence) === undefined)
        throw new Refusal(
          'no platform of the policy admits it',
          namesOf(facts.policy.platforms),
          refusalText(evidence),
        )
      const families = facts.bundle.kms.evidence.map(({ family }) => family)
      return {
        adds: { evidence, kmsPieces },
        found: `${families.join(' with ')}${evidence.tuple === null ? '' : `, admitted as ${evidence.tuple}`}`,
      }
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
      if (!evidence.admitted) {
        const unbound = bindingFailure(evidence)
        throw new Refusal('it is bound to something else', unbound?.expected, unbound?.found)
      }
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
      const releases = bundle.releases.map((proven) => {
        const { payload } = verifyDsse(parseDsse(utf8(proven.envelope)), PAYLOAD_TYPES.release, keys)
        requireLogged(proven, checkpoint)
        const statement = decodeDocument(payload, releaseStatementDecoder, 'release')
        const defect = findReleaseDefect(statement)
        if (defect !== undefined) throw new Refusal(`${nameOf(statement)} contradicts itself: ${defect}`)
        return statement
      })
      return { adds: { releases }, found: releases.map(nameOf).join(', ') }
    },
  },
  {
    name: 'kms.measurement',
    title: 'What the hardware measured is an accepted release of the KMS',
    needs: ['evidence', 'kmsPieces', 'releases', 'isBound'],
    run(facts) {
      const { releases, policy } = facts
      const own = releases.filter(({ predicate }) => predicate.role === 'kms')
      const judged = own.map((statement) => {
        const { family } = statement.predicate.evidence
        // The platform that admitted it; another might leave open what this one does not.
        const platforms = policy.platforms.filter(
          (platform) => platform.name === facts.evidence.tuple && programOf(platform)?.family === family,
        )
        const evidence = appraiseKms(
          facts,
          platforms.map((platform) => withRelease(platform, statement)),
        )
        return { statement, evidence }
      })
      const covering = judged.filter(({ evidence }) => evidence.admitted)
      const kmsRelease = requireRelease(
        covering.map(({ statement }) => statement),
        {
          role: 'kms',
          expected: own.map(describeRelease).join(' or ') || 'a release of role kms',
          found: judged.map(({ evidence }) => refusalText(evidence)).join(' | '),
          names: covering.map(({ evidence }) => evidence.tuples.at(-1)?.pieces.map(({ fields }) => fields)),
        },
        policy,
      )
      return { adds: { kmsRelease }, found: describeRelease(kmsRelease) }
    },
  },
  {
    name: 'kms.certificate',
    title: 'The statement key is certified by the root key in force, bound in the evidence and in the log',
    needs: ['genesis', 'genesisDigest', 'kmsRelease', 'checkpoint'],
    run({ bundle, genesis, genesisDigest, checkpoint, context }) {
      const proven = bundle.kms.certificate
      const { payload } = verifyDsse(parseDsse(utf8(proven.envelope)), PAYLOAD_TYPES.kmsCertificate, [
        fromBase64Url(
          followRoots({ digest: genesisDigest, rootKey: genesis.rootKey }, bundle.roots, checkpoint),
        ),
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

/** Judges the evidence of the KMS, bound to what the bundle says it is bound to. Its age is a step of its own. */
function appraiseKms(
  { bundle, policy, context, kmsPieces }: Facts & Required<Pick<Facts, 'kmsPieces'>>,
  anyOf: AdmissionTuple[],
): EvidenceAppraisal {
  return appraiseEvidence(kmsPieces, platformPolicy(policy, anyOf), {
    at: context.now,
    expectedReportData: bindReportData('kms', bundle.kms.binding),
    boundAt: context.now,
  })
}

/** The step that failed where a platform refuses nothing but what the evidence is bound to. */
function bindingFailure({ tuples }: EvidenceAppraisal): Step | undefined {
  for (const { steps, pieces } of tuples) {
    const names = [...pieces.map(({ family }) => BINDINGS[family].step), 'policy.evidence', 'policy.binding']
    const failed = [...pieces.flatMap((piece) => piece.steps), ...steps].filter(
      ({ status }) => status === 'fail',
    )
    if (failed.length > 0 && failed.every(({ name }) => names.includes(name))) return failed[0]
  }
  return undefined
}

function namesOf(tuples: readonly AdmissionTuple[]): string {
  return tuples.map(({ name }) => name).join(' or ')
}
