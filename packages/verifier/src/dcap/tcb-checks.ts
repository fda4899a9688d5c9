import { Refusal, Skip, type Check } from '../checks/index.ts'
import type { FieldObject, FieldValue } from '../family/index.ts'
import { findRevoked } from './crl-checks.ts'
import type { DcapFacts, DcapFamily } from './facts.ts'
import { instantText } from './fields.ts'
import { evaluateTcb, type ModuleStatus } from './tcb-level.ts'

/**
 * Checks of the state of the platform: everything that is needed to judge it was given, and the policy
 * accepts what Intel says about it.
 */
export function tcbChecks(family: DcapFamily): Check<DcapFacts>[] {
  return [
    {
      name: `${family}.collateral-complete`,
      title: 'Everything that says whether the platform is current was given',
      needs: [],
      class: 'collateral-missing',
      run(facts) {
        const missing = findMissing(facts)
        if (missing.length > 0)
          throw new Refusal(
            'it is not known whether the platform is current or revoked',
            missing.join(', '),
            'nothing',
          )
      },
    },
    {
      name: `${family}.tcb`,
      title: 'Platform, TDX module and quoting enclave have a level in the documents of Intel',
      needs: ['tcbInfo', 'isOwnTcbInfo', 'pck', 'qe', ...(family === 'tdx' ? (['tdxTcb'] as const) : [])],
      class: 'tcb',
      run(facts) {
        const { tcbInfo, pck, qe, fields } = facts
        const tcb = evaluateTcb(tcbInfo, pck, qe, facts.tdxTcb)
        fields['collateral'] = collateralFields({ ...facts, tcb })
        fields['tcb_status'] = tcb.status
        fields['advisory_ids'] = tcb.advisoryIds
        facts.tcb = tcb
        if (tcb.module?.isIdentified === false)
          throw new Refusal(
            'the TDX module is not one of Intel',
            tcb.module.id ?? 'the module of the TCB information',
            'another signer, attributes or version',
          )
        if (tcb.status === 'NoMatch')
          throw new Refusal('no level matches', 'a level of the TCB information', 'NoMatch')
        return { found: tcb.platform.date ? `level of ${tcb.platform.date}` : 'NoMatch' }
      },
    },
    {
      name: `${family}.tcb-status`,
      title: 'The status of the platform is an accepted one',
      needs: ['tcb'],
      class: 'tcb',
      run({ tcb: { status }, policy: { acceptedTcbStatuses: accepted = ['UpToDate'] } }) {
        const expected = accepted.join(', ')
        if (!(accepted as readonly string[]).includes(status))
          throw new Refusal('the platform is not up to date', expected, status)
        return { expected, found: status }
      },
    },
    {
      name: `${family}.advisories`,
      title: 'Every advisory that applies is an accepted one',
      needs: ['tcb'],
      class: 'tcb',
      maySkip: true,
      run({ tcb: { advisoryIds }, policy: { acceptedAdvisories: accepted } }) {
        if (accepted === undefined) throw new Skip('the policy names none: the status judges them')
        const others = advisoryIds.filter((id) => !accepted.includes(id))
        if (others.length > 0)
          throw new Refusal('an advisory applies', accepted.join(', '), others.join(', '))
      },
    },
    {
      name: `${family}.tcb-evaluation`,
      title: 'The documents are as new as the policy asks',
      needs: ['tcbInfo', 'qeIdentity'],
      class: 'tcb',
      maySkip: true,
      run({ tcbInfo, qeIdentity, policy: { minimumTcbEvaluationDataNumber: minimum } }) {
        if (minimum === undefined) throw new Skip('the policy names no number')
        const found = Math.min(tcbInfo.tcbEvaluationDataNumber, qeIdentity.tcbEvaluationDataNumber)
        if (found < minimum)
          throw new Refusal('a document is of an older evaluation', `${minimum}`, `${found}`)
        return { expected: `at least ${minimum}`, found: `${found}` }
      },
    },
  ]
}

/** Names of what is missing, as the bundle of dcap-qvl has them. What was read and is wrong is not missing. */
function findMissing({ pieces, tcbSigners }: DcapFacts): string[] {
  const missing: string[] = []
  const hasLooseSigner = pieces.chains.some((pem) => tcbSigners?.has(pem))
  const documents = [
    ['tcb_info', pieces.tcbInfos],
    ['qe_identity', pieces.qeIdentities],
  ] as const
  for (const [name, given] of documents) {
    if (given.length === 0) missing.push(name)
    if (given.some(({ signature }) => !signature) && pieces.signatures.length === 0)
      missing.push(`${name}_signature`)
    if (given.some(({ issuerChain }) => issuerChain === undefined) && !hasLooseSigner)
      missing.push(`${name}_issuer_chain`)
  }
  if (pieces.rootCaCrls.length === 0) missing.push('root_ca_crl')
  if (pieces.pckCrls.length === 0) missing.push('pck_crl')
  return missing
}

/** When the collateral holds and what it says, for people and other verifiers. */
function collateralFields(facts: Required<DcapFacts>): FieldObject {
  const { tcbInfo, qeIdentity, tcb, quote } = facts
  const crls = [...(facts.rootCaCrls ?? []), ...(facts.pckCrls ?? [])]
  const from = [tcbInfo.issueDate, qeIdentity.issueDate, ...crls.map(({ thisUpdate }) => thisUpdate)]
  const to = [tcbInfo.nextUpdate, qeIdentity.nextUpdate, ...crls.map(({ nextUpdate }) => nextUpdate!)]
  return {
    valid_from: instantText(Math.max(...from)),
    valid_to: instantText(Math.min(...to)),
    tcb_eval: Math.min(tcbInfo.tcbEvaluationDataNumber, qeIdentity.tcbEvaluationDataNumber),
    platform_tcb: tcb.platform.status,
    platform_tcb_date: tcb.platform.date,
    tdx_module: tcb.module ? moduleFields(tcb.module) : null,
    qe_tcb: [tcb.qe.status, 'identity_ok', quote.signatureData.qeReport.ISVSVN],
    fmspc_match: true,
    revoked: findRevoked(facts).map(({ commonName, subjectText }) => commonName ?? subjectText),
  }
}

function moduleFields({ id, status, advisoryIds, isIdentified, isvsvn }: ModuleStatus): FieldValue {
  const identity = isIdentified ? 'identity_ok' : 'identity_mismatch'
  return id === undefined ? ['n/a', [], identity] : [status, advisoryIds, identity, `${id} svn ${isvsvn}`]
}
