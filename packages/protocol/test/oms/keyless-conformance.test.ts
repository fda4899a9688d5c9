import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fromBase64 } from '../../src/bytes/index.ts'
import { SottoError } from '../../src/errors/index.ts'
import {
  type OmsTrustedRoot,
  parseOmsBundle,
  parseOmsTrustedRoot,
  verifyOmsKeyless,
} from '../../src/oms/index.ts'
import { verifyKeylessCertificate } from '../../src/oms/keyless-certificate.ts'
import { parseLogEntry } from '../../src/oms/keyless-entry.ts'
import { requireIdentity } from '../../src/oms/keyless-identity.ts'
import { verifyLogEntry } from '../../src/oms/keyless-log.ts'
import { verifyScts } from '../../src/oms/keyless-sct.ts'
import { parseCertificate } from '../../src/x509/index.ts'
import { PUBLIC_GOOD_ROOT } from '../../../../scripts/vectors/oms-public-good.ts'
import { vectorRoot } from '../../../../scripts/vectors/testing.ts'

/**
 * The cases of sigstore-conformance (test/assets/bundle-verify). Most sign a file and not an envelope, which no model
 * signature does: of these the parts are tested that all signatures have, the log's entry and the certificate.
 */
const folder = join(vectorRoot(), 'transport/sigstore')
const isPresent = existsSync(folder)

/** Of the workflow that signed all of them. */
const SIGNER = {
  identity:
    'https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main',
  issuer: 'https://token.actions.githubusercontent.com',
}

/** `ok`, or the code of the refusal. */
interface Outcome {
  entry: string
  /** Certificate with its path, timestamps and identity; absent for a bare key, or where the entry proves no time. */
  certificate?: string
  /** As a model signature: an envelope in a bundle v0.3, or nothing that is read. */
  whole: string
}

const REKOR2: Outcome = { entry: 'OMS_UNSUPPORTED', whole: 'OMS_MALFORMED' }
const CASES: Readonly<Record<string, Outcome>> = {
  'bundle-from-wrong-instance_fail': { entry: 'OMS_LOG', whole: 'OMS_MALFORMED' },
  'bundle-unknown-version_fail': { entry: 'OMS_MALFORMED', whole: 'OMS_MALFORMED' },
  'checkpoint-wrong-roothash_fail': { entry: 'OMS_LOG', whole: 'OMS_MALFORMED' },
  'dsse-mismatch-sig_fail': { entry: 'ok', certificate: 'ok', whole: 'OMS_LOG_BODY' },
  'happy-path-v0.3': { entry: 'ok', certificate: 'ok', whole: 'OMS_MALFORMED' },
  'happy-path-v0.3-new-mediaType': { entry: 'ok', certificate: 'ok', whole: 'OMS_MALFORMED' },
  'inclusion-proof-corrupted-hash_fail': { entry: 'OMS_LOG', whole: 'OMS_MALFORMED' },
  'incorrect-public-key_fail': { entry: 'OMS_LOG', whole: 'OMS_MALFORMED' },
  'intoto-missing-inclusion-proof_fail': { entry: 'OMS_MALFORMED', whole: 'OMS_MALFORMED' },
  'intoto-tsa-timestamp-outside-cert-validity_fail': {
    entry: 'ok',
    certificate: 'ok',
    whole: 'OMS_MALFORMED',
  },
  'invalid-ct-key_fail': { entry: 'ok', certificate: 'OMS_SCT', whole: 'OMS_MALFORMED' },
  'managed-key-and-trusted-root': { entry: 'ok', whole: 'OMS_MALFORMED' },
  'managed-key-happy-path': { entry: 'ok', whole: 'OMS_MALFORMED' },
  'managed-key-wrong-key_fail': { entry: 'ok', whole: 'OMS_MALFORMED' },
  'rekor2-checkpoint-missing-log-signature_fail': REKOR2,
  'rekor2-checkpoint-origin-not-first': REKOR2,
  'rekor2-checkpoint-two-sigs-cosigned': REKOR2,
  // Envelopes: the time is by an authority of timestamps, which is not verified.
  'rekor2-dsse-happy-path': { ...REKOR2, whole: 'OMS_UNSUPPORTED' },
  'rekor2-dsse-invalid-sig_fail': { ...REKOR2, whole: 'OMS_UNSUPPORTED' },
  'rekor2-timestamp-outside-trust-root-tsa-validity_fail': REKOR2,
  'rekor2-timestamp-untrusted-tsa-with-embedded-cert_fail': REKOR2,
  'rekor2-timestamp-untrusted-tsa-without-embedded-cert_fail': REKOR2,
  'rekor2-timestamp-with-embedded-cert': REKOR2,
  'rekor2-timestamp-with-expired-cert-chain': REKOR2,
  'rekor2-timestamp-with-incorrect-time_fail': REKOR2,
  'rekor2-timestamp-without-embedded-cert': REKOR2,
  'signature-mismatch_fail': { entry: 'ok', certificate: 'ok', whole: 'OMS_MALFORMED' },
  'trust-root-tsa-validity-end-inclusive': REKOR2,
  'wrong-hashedrekord-artifact_fail': { entry: 'ok', certificate: 'ok', whole: 'OMS_MALFORMED' },
  'wrong-material_fail': { entry: 'ok', certificate: 'ok', whole: 'OMS_MALFORMED' },
}

if (!isPresent) process.stderr.write(`skipped: no folder ${folder} (set SOTTO_VECTORS)\n`)

describe.skipIf(!isPresent && !process.env['CI'])('sigstore-conformance', () => {
  it('has the cases that are known', () => {
    const found = readdirSync(folder, { withFileTypes: true }).filter((one) => one.isDirectory())
    expect(found.map(({ name }) => name).sort()).toEqual(Object.keys(CASES))
  })

  it.each(Object.entries(CASES))('%s', (name, expected) => {
    const bytes = readFileSync(join(folder, name, 'bundle.sigstore.json'))
    const trustedRoot = rootOf(name)
    const { verificationMaterial: material } = JSON.parse(bytes.toString()) as {
      verificationMaterial: Material
    }
    const whole = outcomeOf(() => verifyOmsKeyless(parseOmsBundle(bytes), { trustedRoot, ...SIGNER }))
    const entry = outcomeOf(() => verifyLogEntry(parseLogEntry(material.tlogEntries), trustedRoot))
    const leaf = (material.certificate ?? material.x509CertificateChain?.certificates[0])?.rawBytes
    const certificate =
      entry === 'ok' && leaf !== undefined
        ? outcomeOf(() => verifySigner(leaf, material.tlogEntries, trustedRoot))
        : undefined
    expect({ entry, ...(certificate && { certificate }), whole }).toEqual(expected)
  })

  it('bundle-from-wrong-instance_fail is good under the root of its own instance', () => {
    const bytes = readFileSync(join(folder, 'bundle-from-wrong-instance_fail/bundle.sigstore.json'))
    const { verificationMaterial } = JSON.parse(bytes.toString()) as { verificationMaterial: Material }
    const { tlogEntries, x509CertificateChain } = verificationMaterial
    const staging = rootOf('managed-key-and-trusted-root')
    verifyLogEntry(parseLogEntry(tlogEntries), staging)
    verifySigner(x509CertificateChain!.certificates[0]!.rawBytes, tlogEntries, staging)
  })

  it('invalid-ct-key_fail has the logs and authorities of the public instance, but for those of certificates', () => {
    const [ours, theirs] = [parseOmsTrustedRoot(PUBLIC_GOOD_ROOT), rootOf('invalid-ct-key_fail')]
    expect(ours.logs[0]).toEqual(theirs.logs[0])
    expect(ours.authorities).toEqual(theirs.authorities)
    expect(ours.certificateLogs.map(({ id }) => id)).not.toContain(theirs.certificateLogs[0]!.id)
  })
})

interface Material {
  certificate?: { rawBytes: string }
  x509CertificateChain?: { certificates: { rawBytes: string }[] }
  tlogEntries: unknown[]
}

/** A case without a root of its own is of the public instance. */
function rootOf(name: string): OmsTrustedRoot {
  const file = join(folder, name, 'trusted_root.json')
  return parseOmsTrustedRoot(existsSync(file) ? readFileSync(file) : PUBLIC_GOOD_ROOT)
}

function verifySigner(leaf: string, entries: readonly unknown[], root: OmsTrustedRoot): void {
  const certificate = parseCertificate(fromBase64(leaf))
  const { chain } = verifyKeylessCertificate(certificate, root, parseLogEntry(entries).integratedTime)
  verifyScts(certificate, chain[1]!, root)
  requireIdentity(certificate, SIGNER)
}

function outcomeOf(run: () => unknown): string {
  try {
    run()
    return 'ok'
  } catch (error) {
    if (error instanceof SottoError) return error.code
    throw error
  }
}
