import type { AdmissionTuple, KeyReleasePolicy, PolicyTuple } from '@sotto/protocol/keyrelease'
import { type EvidencePolicy, FAMILY_REGISTRY, isCovered, type MembersOf } from '../appraisal/index.ts'

/** What a relying party accepts of hardware, whatever program runs on it. */
export interface Platforms {
  /** 1-16 tuples, of which one must hold. Program and configuration are left open: releases say what they may be. */
  platforms: AdmissionTuple[]
  /** By what the evidence is bound to, 1-86400 (T6). */
  evidenceMaxAgeSeconds: number
  /** See {@link EvidencePolicy.collateralMaxAgeSeconds}. */
  collateralMaxAgeSeconds?: number
  /** See {@link EvidencePolicy.revocationMaxAgeSeconds}. */
  revocationMaxAgeSeconds?: number
}

/** The same as an evidence policy, with other tuples where they are given. */
export function platformPolicy(
  { platforms, evidenceMaxAgeSeconds, collateralMaxAgeSeconds, revocationMaxAgeSeconds }: Readonly<Platforms>,
  anyOf: AdmissionTuple[] = platforms,
): EvidencePolicy {
  return {
    version: 1,
    name: 'platforms',
    anyOf,
    freshness: 'nonce',
    evidenceMaxAgeSeconds,
    ...(collateralMaxAgeSeconds !== undefined && { collateralMaxAgeSeconds }),
    ...(revocationMaxAgeSeconds !== undefined && { revocationMaxAgeSeconds }),
  }
}

/**
 * Whether everything that a tuple of a key-release policy admits is acceptable hardware (T2): some platform admits
 * all of it, and the policy lets nothing grow older.
 */
export function admits(
  { platforms, ...ages }: Readonly<Platforms>,
  { role: _role, ...tuple }: PolicyTuple,
  keyPolicy: KeyReleasePolicy,
): boolean {
  const isYoung = (
    ['evidenceMaxAgeSeconds', 'collateralMaxAgeSeconds', 'revocationMaxAgeSeconds'] as const
  ).every((name) => ages[name] === undefined || (keyPolicy[name] ?? Infinity) <= ages[name])
  const membersOf: MembersOf = (family) => FAMILY_REGISTRY.get(family)!.members
  return isYoung && platforms.some((platform) => isCovered(tuple, platform, membersOf))
}
