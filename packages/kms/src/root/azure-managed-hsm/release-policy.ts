import { type JsonObject, member, parseJsonObject } from '@sotto/protocol/jose'
import type { JsonValue } from '@sotto/protocol/jcs'
import { kmsError } from '../../errors.ts'
import type { HsmKey } from '../types.ts'
import type { AttestedFamily } from './attest.ts'
import type { ReleasedKey } from './released-key.ts'

/** https://learn.microsoft.com/azure/key-vault/keys/policy-grammar; the HSM itself allows few. */
const MAX_BRANCHES = 64
const MAX_CLAIMS = 64

/** Claims that every branch has to fix, and to what; undefined: to one value, whichever. */
const REQUIRED: Readonly<Record<AttestedFamily, Readonly<Record<string, string | undefined>>>> = {
  'sev-snp': {
    'x-ms-attestation-type': 'sevsnpvm',
    'x-ms-sevsnpvm-is-debuggable': 'false',
    'x-ms-sevsnpvm-launchmeasurement': undefined,
    'x-ms-sevsnpvm-hostdata': undefined,
  },
  tdx: {
    'x-ms-attestation-type': 'tdxvm',
    tdx_td_attributes_debug: 'false',
    tdx_mrtd: undefined,
    tdx_rtmr1: undefined,
    tdx_rtmr2: undefined,
    tdx_mrconfigid: undefined,
  },
}

/**
 * Refuses a key that more than measured programs could get: its policy has to be final (unless
 * the configuration says otherwise), and every way through it has to
 * fix the service that attests, program and configuration, and that nobody debugs. Which programs those are was decided
 * by who made the policy; that this machine is one of them the HSM has just said.
 * @throws `KMS_HSM_POLICY`
 */
export function requireMeasuredPolicy(
  { data, isImmutable }: ReleasedKey['policy'],
  { maa, allowMutablePolicy }: Pick<HsmKey, 'maa' | 'allowMutablePolicy'>,
  family: AttestedFamily,
): void {
  if (!isImmutable && !allowMutablePolicy)
    throw lax('it can be changed by whoever administers the HSM', 'immutable: true', 'a policy that is not')
  let policy: JsonObject
  try {
    policy = parseJsonObject(data, 'policy')
  } catch (cause) {
    throw kmsError('KMS_HSM_POLICY', 'the release policy of the key is malformed', { cause })
  }
  const branches = listIn(policy, 'anyOf', MAX_BRANCHES)
  for (const branch of branches) {
    if (member(branch, 'authority') !== maa) throw lax('it believes another authority', maa, 'another')
    const fixed = new Map<string, JsonValue | undefined>()
    for (const condition of listIn(branch, 'allOf', MAX_CLAIMS)) {
      const claim = member(condition, 'claim')
      if (typeof claim === 'string' && !fixed.has(claim)) fixed.set(claim, member(condition, 'equals'))
    }
    for (const [claim, value] of Object.entries(REQUIRED[family])) {
      const found = fixed.get(claim)
      const isFixed =
        value === undefined ? typeof found === 'string' && found !== '' : String(found) === value
      if (!isFixed) throw lax('a branch of it leaves a claim open', `${claim} equals ${value ?? 'a value'}`)
    }
  }
}

function listIn(object: JsonObject, name: string, most: number): JsonObject[] {
  const value = member(object, name)
  if (!Array.isArray(value) || value.length === 0 || value.length > most)
    throw lax('it has another form than expected', `${name} with 1 to ${most} entries`)
  return (value as JsonValue[]).map((entry) => {
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
      throw lax('it has another form than expected', `objects in ${name}`)
    return entry as JsonObject
  })
}

function lax(why: string, expected: string, found?: string): Error {
  return kmsError('KMS_HSM_POLICY', `the release policy of the key is too weak: ${why}`, {
    expected,
    ...(found !== undefined && { found }),
    hint: 'Make a policy with sotto keys skr-policy, and set it on the key as immutable.',
  })
}
