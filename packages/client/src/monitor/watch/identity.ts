import { MAX_SUCCESSIONS, rootSuccessionDecoder } from '@sotto/protocol/custody'
import { decodeDocument, genesisDecoder, kmsCertificateDecoder } from '@sotto/protocol/keyrelease'
import { decoded, digestOf, isSigned, type Judging } from './judging.ts'
import { rootKeyOf } from './root-key.ts'
import { judgeSharedRoot } from './shares.ts'
import { keep } from './state.ts'

const DAY_SECONDS = 86_400

/** The genesis that is watched begins the history; every other one is another KMS's. */
export function judgeGenesis(judging: Judging): void {
  const { state, expect, envelope, alert } = judging
  const digest = digestOf(envelope)
  if (expect.genesis !== undefined && digest !== expect.genesis) return
  const document = decoded(judging, 'GENESIS_MALFORMED', (payload) =>
    decodeDocument(payload, genesisDecoder, 'genesis'),
  )
  if (document === undefined) return
  if (!isSigned(envelope, [document.rootKey]))
    return alert('GENESIS_MALFORMED', 'the genesis is not signed by its own root key', document.rootKey)
  state.genesis = { digest, document }
}

/** Another root key, signed by the one before and by itself, and the next after it. */
export function judgeSuccession(judging: Judging): void {
  const { state, envelope, alert } = judging
  const succession = decoded(judging, 'ROOT_MALFORMED', (payload) =>
    decodeDocument(payload, rootSuccessionDecoder, 'succession'),
  )
  if (succession === undefined) return
  const { previousKey, rootKey, sequence } = succession
  const before = rootKeyOf(state)
  const areBothSigned = isSigned(envelope, [previousKey]) && isSigned(envelope, [rootKey])
  if (previousKey !== before || !areBothSigned)
    return alert(
      'ROOT_UNSIGNED',
      'a root key that the one in force did not hand over to',
      before,
      previousKey,
    )
  const expected = (state.root?.sequence ?? 0) + 1
  if (sequence !== expected)
    alert(
      'GOVERNANCE_GAP',
      'a root succession is missing',
      `succession ${expected}`,
      `succession ${sequence}`,
    )
  state.root = { sequence, key: rootKey }
  state.formerRoots = [...(state.formerRoots ?? []), before].slice(-MAX_SUCCESSIONS)
  judgeSharedRoot(judging)
}

/** A boot of the KMS: its statement key, certified by the root key. */
export function judgeCertificate(judging: Judging): void {
  const { state, expect, envelope, alert } = judging
  const root = rootKeyOf(state)
  // The KMS itself never looks back: whoever signs with such a key has it from before.
  const former = (state.formerRoots ?? []).find((key) => isSigned(envelope, [key]))
  if (former !== undefined && former !== root)
    return alert(
      'CERTIFICATE_SUPERSEDED',
      'a statement key certified by a root key that another one took the place of',
      root,
      former,
    )
  if (root === undefined || !isSigned(envelope, [root]))
    return alert(
      'CERTIFICATE_UNSIGNED',
      'a statement key that the root key of the genesis did not certify',
      root,
    )
  const certificate = decoded(judging, 'CERTIFICATE_MALFORMED', (payload) =>
    decodeDocument(payload, kmsCertificateDecoder, 'certificate'),
  )
  if (certificate === undefined) return
  const { signingKey: key, notBefore, notAfter } = certificate
  keep(state, 'certificates', { key, notBefore, notAfter })
  // Times are the KMS's own word, signed by its root key: nobody else can make boots look rare.
  const boots = state.certificates.filter((one) => Math.abs(notBefore - one.notBefore) < DAY_SECONDS).length
  if (boots > expect.maxBootsPerDay)
    alert(
      'BOOT_TOO_OFTEN',
      'the KMS starts more often than expected',
      `at most ${expect.maxBootsPerDay} a day`,
      `${boots}`,
    )
}
