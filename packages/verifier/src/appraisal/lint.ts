import { type JsonValue } from '@sotto/protocol/jcs'
import { type Families, FAMILY_REGISTRY } from './families.ts'
import { isSame } from './compare.ts'
import { isCovered, own, type MembersOf } from './compare-tuples.ts'
import { instantText } from './intervals.ts'
import { lintFamily } from './lint-families.ts'
import { lintMembers } from './lint-members.ts'
import { parseEvidencePolicy } from './parse.ts'
import { mapLists } from './meaning.ts'
import type { AdmissionTuple, EvidencePolicy, Window } from './types.ts'
import { toWindowed } from './windows.ts'

/** Something a policy's owner should look at. */
export interface LintFinding {
  /** `error`: the document is no policy and admits nothing. `warning`: it admits more, or less, than most owners mean. */
  level: 'error' | 'warning'
  /** Stable, for programs: `any-program`, `debug`, `tcb-status`, `ended` … */
  code: string
  /** Where, dotted. */
  path: string
  /** One sentence for people. */
  message: string
}

/**
 * Reads a policy and says what in it deserves a second look. Never throws: a malformed document is one
 * finding of level `error`.
 *
 * @param at Unix seconds, by which windows have ended or not
 */
export function lintPolicy(
  input: Uint8Array | string | object,
  at: number,
  families: Families = FAMILY_REGISTRY,
): LintFinding[] {
  let policy: EvidencePolicy
  try {
    policy = parseEvidencePolicy(input, families)
  } catch (error) {
    const { message, expected, found } = error as { message: string; expected?: string; found?: string }
    const details = [expected && `expected ${expected}`, found && `found ${found}`].filter(Boolean).join(', ')
    const path =
      /policy[\w.[\]]*/.exec(message.replace('evidence policy is malformed: ', ''))?.[0] ?? 'policy'
    return [
      {
        level: 'error',
        code: 'malformed',
        path,
        message: details === '' ? message : `${message}: ${details}`,
      },
    ]
  }
  const membersOf: MembersOf = (family) => families.get(family)!.members
  return [
    ...lintFrame(policy, families),
    ...policy.anyOf.flatMap((tuple) => lintTuple(tuple, policy, families, at)),
    ...lintCover(policy.anyOf, membersOf),
    ...lintTimes(policy.anyOf, at),
  ]
}

function lintFrame(policy: EvidencePolicy, families: Families): LintFinding[] {
  const used = policy.anyOf.flatMap(({ allOf }) => allOf.map(({ family }) => families.get(family)!))
  const findings: LintFinding[] = []
  if (used.some(({ family }) => family === 'software')) {
    findings.push(
      warning('software', 'anyOf', 'a software TEE hides nothing from the owner of the machine it runs on'),
    )
  }
  if (
    policy.freshness === 'age' &&
    used.some(({ family, signedAt }) => family !== 'nvidia' && signedAt === undefined)
  ) {
    findings.push(
      warning(
        'freshness',
        'freshness',
        'hardware states no time: with age, the caller vouches for the time of what the evidence is bound to',
      ),
    )
  }
  const has = (kind: 'collateral' | 'revocation'): boolean =>
    used.some(({ endorsements }) => endorsements?.includes(kind) === true)
  if (policy.collateralMaxAgeSeconds === undefined && has('collateral')) {
    findings.push(
      warning(
        'no-collateral-age',
        'collateralMaxAgeSeconds',
        'collateral counts as long as it says itself: who brings it may hold back a newer one for weeks',
      ),
    )
  }
  if (policy.revocationMaxAgeSeconds === undefined && has('revocation')) {
    findings.push(
      warning(
        'no-revocation-age',
        'revocationMaxAgeSeconds',
        'revocation lists count as long as they say themselves: a revoked chip may be accepted for weeks',
      ),
    )
  }
  return findings
}

function lintTuple(
  tuple: AdmissionTuple,
  { revocationMaxAgeSeconds }: EvidencePolicy,
  families: Families,
  at: number,
): LintFinding[] {
  return tuple.allOf.flatMap((component) => {
    const { family } = component
    const { members, demandRevocation } = families.get(family)!
    const path = `${tuple.name}.${family}`
    const policy = own(component)
    const found: LintFinding[] = [
      ...lintMembers(members, policy, path),
      ...lintFamily(family, policy, path),
    ].map((finding) => ({ level: 'warning', ...finding }))
    const demanded = revocationMaxAgeSeconds === undefined ? demandRevocation?.(policy) : undefined
    if (demanded !== undefined && !isSame(demanded, policy)) {
      found.push(
        warning(
          'no-revocation',
          path,
          'who leaves revocation lists out hides that a chip was revoked: demand them',
        ),
      )
    }
    mapLists(policy, members, (list, name) => {
      found.push(...lintWindows(list, `${path}.${name}`, at))
      return undefined
    })
    return found
  })
}

function lintWindows(list: readonly JsonValue[], path: string, at: number): LintFinding[] {
  const entries = list.map(toWindowed)
  const ended = entries.map((entry, index) => ({ entry, index })).filter(({ entry }) => hasEnded(entry, at))
  if (ended.length > 0 && ended.length === entries.length)
    return [warning('ended', path, 'every entry of this list has ended: nothing is admitted any more')]
  return ended.map(({ entry, index }) =>
    warning('ended', `${path}[${index}]`, `ended on ${instantText(entry.notAfter!)}: take it out`),
  )
}

/** Tuples that admit nothing of their own. Of two that admit the same, the second is the superfluous one. */
function lintCover(tuples: readonly AdmissionTuple[], membersOf: MembersOf): LintFinding[] {
  return tuples.flatMap((tuple, index) => {
    const cover = tuples.find(
      (other, place) =>
        other !== tuple &&
        isCovered(tuple, other, membersOf) &&
        (place < index || !isCovered(other, tuple, membersOf)),
    )
    if (cover === undefined) return []
    const message = `admits nothing that tuple ${cover.name} does not admit already`
    return [warning('unreachable', tuple.name, message)]
  })
}

function lintTimes(tuples: readonly AdmissionTuple[], at: number): LintFinding[] {
  const ended = tuples.filter((tuple) => hasEnded(tuple, at))
  if (ended.length === tuples.length)
    return [warning('ended', 'anyOf', 'every tuple has ended: nothing is admitted any more')]
  return ended.map(({ name, notAfter }) =>
    warning('ended', name, `ended on ${instantText(notAfter!)}: take it out`),
  )
}

function hasEnded({ notAfter }: Window, at: number): boolean {
  return notAfter !== undefined && notAfter < at
}

function warning(code: string, path: string, message: string): LintFinding {
  return { level: 'warning', code, path, message }
}
