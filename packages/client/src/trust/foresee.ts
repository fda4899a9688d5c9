import { fromBase64Url, fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { parseDsse, prepareVerifier, verifyDsse } from '@sotto/protocol/dsse'
import type { TrustBundle } from '@sotto/protocol/evidence'
import { parseDecision, parseMemberJws, verifyMemberJws } from '@sotto/protocol/governance'
import { cosignatureTime, isSignedBy, parseNote, parseVerifierKey } from '@sotto/protocol/note'
import type { TrustPolicy } from '@sotto/verifier'

/**
 * Asks for the signatures of a bundle without waiting for what they rest on: a verification comes to the last ones only when
 * all before are valid. Nothing is decided here, and whoever composed the bundle may have written all of it: what is guessed
 * wrong is verified in vain, and what is not guessed is asked for later. See `verifyTogether`.
 */
export function foreseeSignatures(bundle: TrustBundle, policy: TrustPolicy): void {
  const { log, witnesses, releaseKeys } = policy
  const logKeys = [log.key, ...witnesses.keys.map(({ key }) => key)].map(parseVerifierKey)
  for (const text of [bundle.checkpoint, bundle.kms.boundCheckpoint])
    attempt(() => {
      const note = parseNote(text)
      for (const key of logKeys) if (!isSignedBy(note, key)) cosignatureTime(note, key)
    })
  const { genesis, roots = [], releases, keySet, kms } = bundle
  const rootKeys = [genesis, ...roots].map(({ envelope }) => rootKeyIn(envelope))
  const keys = [...releaseKeys, kms.binding.signingKey, ...rootKeys].map((key) =>
    prepareVerifier(fromBase64Url(key)),
  )
  for (const { envelope } of [genesis, ...roots, ...releases, keySet, kms.certificate])
    attempt(() => {
      const parsed = parseDsse(utf8(envelope))
      verifyDsse(parsed, parsed.payloadType, keys)
    })
  for (const { envelope } of [...bundle.governance, bundle.policy])
    attempt(() => {
      const { proposal, ballots } = parseDecision(utf8(envelope)).decision
      foreseeMember(proposal, 'proposal')
      for (const ballot of ballots) foreseeMember(ballot, 'ballot')
    })
}

/** The root key that a genesis or a succession names. */
function rootKeyIn(envelope: string): string {
  const { rootKey } = JSON.parse(fromUtf8(parseDsse(utf8(envelope)).payload)) as { rootKey?: unknown }
  return String(rootKey)
}

function foreseeMember(token: string, type: 'proposal' | 'ballot'): void {
  attempt(() => {
    const jws = parseMemberJws(token, type)
    verifyMemberJws(jws, [{ name: '', key: jws.key }])
  })
}

/** No signature is valid yet, so that most of it ends with an error. */
function attempt(ask: () => void): void {
  try {
    ask()
  } catch {
    // The verification says what is wrong.
  }
}
