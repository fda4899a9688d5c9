import type { JsonValue } from '@sotto/protocol/jcs'
import { member, numericDate } from '@sotto/protocol/jose'
import { type Check, Refusal, Skip } from '../checks/index.ts'
import { earlier } from '../family/index.ts'
import type { ConfidentialSpaceFacts } from './facts.ts'
import { CONFIDENTIAL_HARDWARE } from './policy.ts'
import { claimAt } from './token.ts'

/** Number of Google as a maker of hardware, `oemid` (IANA private enterprise number). */
const GOOGLE = 11129

/** Whether a genuine token is one that the policy accepts. */
export const acceptableChecks: readonly Check<ConfidentialSpaceFacts>[] = [
  {
    name: 'gcp-confidential-space.debug',
    title: 'The machine runs a production image, in which nobody can look around',
    needs: ['token'],
    class: 'debug',
    run({ token, policy }) {
      const found = member(token.claims, 'dbgstat')
      if (found !== 'disabled-since-boot' && policy.allowDebug !== true)
        throw new Refusal('debugging is not off', 'disabled-since-boot', shown(found))
      return { found: shown(found) }
    },
  },
  {
    name: 'gcp-confidential-space.secure-boot',
    title: 'The machine started with secure boot',
    needs: ['token'],
    class: 'guest-policy',
    run({ token, policy }) {
      const found = member(token.claims, 'secboot')
      if (found !== true && policy.allowInsecureBoot !== true)
        throw new Refusal('secure boot is not on', 'true', shown(found))
      return { found: shown(found) }
    },
  },
  {
    name: 'gcp-confidential-space.software',
    title: 'It runs Confidential Space',
    needs: ['token'],
    class: 'measurement',
    run({ token }) {
      const found = member(token.claims, 'swname')
      if (found !== 'CONFIDENTIAL_SPACE')
        throw new Refusal('the software is another', 'CONFIDENTIAL_SPACE', shown(found))
    },
  },
  {
    name: 'gcp-confidential-space.image',
    title: 'The container is one that the policy names',
    needs: ['token'],
    class: 'measurement',
    maySkip: true,
    run({ token: { container }, policy }) {
      const { imageDigests, imageReferences } = policy
      if (!imageDigests && !imageReferences) throw new Skip('the policy names no image')
      if (imageDigests) requireOneOf(member(container, 'image_digest'), 'image_digest', imageDigests)
      if (imageReferences)
        requireOneOf(member(container, 'image_reference'), 'image_reference', imageReferences)
    },
  },
  {
    name: 'gcp-confidential-space.hardware',
    title: 'The machine is of a confidential kind that the policy accepts',
    needs: ['token'],
    class: 'hardware',
    run({ token: { claims }, policy }) {
      requireOneOf(member(claims, 'hwmodel'), 'hwmodel', policy.hwmodels ?? CONFIDENTIAL_HARDWARE)
      const oemid = member(claims, 'oemid')
      if (oemid !== GOOGLE) throw new Refusal('the machine is not of Google', `${GOOGLE}`, shown(oemid))
    },
  },
  {
    name: 'gcp-confidential-space.gpu',
    title: 'Its GPU is in confidential mode',
    needs: ['token'],
    class: 'hardware',
    maySkip: true,
    run({ token: { claims }, policy }) {
      if (policy.requireConfidentialGpu !== true) throw new Skip('the policy asks for no GPU')
      requireOneOf(claimAt(claims, 'submods', 'nvidia_gpu', 'cc_mode'), 'cc_mode', ['ON'])
    },
  },
  {
    name: 'gcp-confidential-space.audience',
    title: 'The token was made for somebody whom the policy names',
    needs: ['token'],
    class: 'issuer',
    maySkip: true,
    run({ token, policy }) {
      if (!policy.audiences) throw new Skip('the policy names no audience')
      requireCommon(token.audiences, 'aud', policy.audiences)
    },
  },
  {
    name: 'gcp-confidential-space.nonce',
    title: 'A nonce in it is one that the policy names',
    needs: ['token'],
    class: 'binding',
    maySkip: true,
    run({ token, policy }) {
      if (!policy.nonces) throw new Skip('the policy names none')
      requireCommon(token.nonces, 'eat_nonce', policy.nonces)
    },
  },
  {
    name: 'gcp-confidential-space.project',
    title: 'The machine belongs to a project that the policy names',
    needs: ['token'],
    class: 'issuer',
    maySkip: true,
    run({ token, policy }) {
      if (!policy.projects) throw new Skip('the policy names none')
      requireOneOf(claimAt(token.claims, 'submods', 'gce', 'project_id'), 'project_id', policy.projects)
    },
  },
  {
    name: 'gcp-confidential-space.support',
    title: 'Google supports the image of Confidential Space that it runs',
    needs: ['token'],
    class: 'tcb',
    run({ token, policy }) {
      const found = token.supportAttributes ?? []
      const asked: readonly string[] = policy.supportAttributes ?? ['STABLE']
      if (!asked.every((attribute) => found.includes(attribute)))
        throw new Refusal('the image is not supported', asked.join(' and '), found.join(', ') || 'none')
      return { found: found.join(', ') }
    },
  },
  {
    name: 'gcp-confidential-space.tcb',
    title: 'Version and microcode are not older than the policy allows',
    needs: ['token'],
    class: 'tcb',
    maySkip: true,
    run({ token: { claims }, policy }) {
      const status = claimAt(claims, 'tdx', 'gcp_attester_tcb_status')
      const { minimumSwversion } = policy
      if (status === undefined && minimumSwversion === undefined)
        throw new Skip('there is nothing to compare')
      if (status !== undefined)
        requireOneOf(status, 'gcp_attester_tcb_status', policy.tcbStatuses ?? ['UpToDate'])
      if (minimumSwversion === undefined) return
      const versions = member(claims, 'swversion')
      const [version] = (Array.isArray(versions) ? versions : []) as JsonValue[]
      const isKnown = typeof version === 'string' && /^[0-9]{1,15}$/.test(version)
      if (!isKnown || Number(version) < minimumSwversion)
        throw new Refusal('swversion is too low', `${minimumSwversion} or more`, shown(version))
    },
  },
  {
    name: 'gcp-confidential-space.key-set',
    title: 'What verifies it was given: a chain inside, or a key set beside it',
    needs: ['token', 'keys'],
    class: 'collateral-missing',
    run({ token, keys }) {
      if (token.jws.header.x5c === undefined && keys.size === 0)
        throw new Refusal('no keys were given', 'the key set of Google, a JWK Set', 'nothing')
    },
  },
  {
    name: 'gcp-confidential-space.age',
    title: 'The token is not older than the policy allows',
    needs: ['token'],
    class: 'expired',
    maySkip: true,
    run({ token: { claims }, policy: { maxAgeSeconds }, input, validUntil }) {
      if (maxAgeSeconds === undefined) throw new Skip('the policy names no age')
      const until = (numericDate(claims, 'iat') ?? -Infinity) + maxAgeSeconds
      if (!(input.at <= until))
        throw new Refusal('the token is too old', `${until} or earlier`, `${input.at}`)
      return { adds: { validUntil: earlier(validUntil, until) } }
    },
  },
]

function requireOneOf(found: JsonValue | undefined, name: string, accepted: readonly string[]): void {
  if (!accepted.includes(found as string))
    throw new Refusal(`${name} is not one that the policy accepts`, accepted.join(' or '), shown(found))
}

function requireCommon(found: readonly string[], name: string, accepted: readonly string[]): void {
  if (!found.some((value) => accepted.includes(value)))
    throw new Refusal(
      `${name} is not one that the policy accepts`,
      accepted.join(' or '),
      found.join(', ') || 'none',
    )
}

/** A claim for a message. */
function shown(value: JsonValue | undefined): string {
  return value === undefined ? 'none' : JSON.stringify(value).slice(0, 128)
}
