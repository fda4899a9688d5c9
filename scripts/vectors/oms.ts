import { toHex } from '@sotto/protocol/bytes'
import { publicCrypto } from '@sotto/protocol/crypto-backend'
import {
  compareOms,
  isWithin,
  type ObservedFile,
  type OmsBundle,
  type OmsKey,
  type OmsStatement,
  parseOmsBundle,
  parseOmsKey,
  parseOmsStatement,
  parseOmsTrustedRoot,
  verifyOmsKeyless,
  verifyOmsWithCertificates,
  verifyOmsWithKey,
} from '@sotto/protocol/oms'
import { type Certificate, certificatesOfPem, parseCertificate } from '@sotto/protocol/x509'
import { expectEqual, expectRefused, type VectorCase, type VectorFamily, type VectorFile } from './harness.ts'
import { PUBLIC_GOOD_ROOT } from './oms-public-good.ts'

/** What the reference was told to leave out when it signed, before signatures said so themselves. */
const UNSIGNED = new Set(['ignore-me'])
/** Within the validity of the test certificates. */
const AT = Date.UTC(2026, 5, 1) / 1000
/** Who signed the keyless one: whoever published it. */
const SIGNER = {
  trustedRoot: parseOmsTrustedRoot(PUBLIC_GOOD_ROOT),
  identity: 'stefanb@us.ibm.com',
  issuer: 'https://sigstore.verify.ibm.com/oauth2',
}

/**
 * Models signed by the reference implementation (sigstore/model-transparency), each in a folder with its signature; the
 * keys and certificates of all of them lie beside the folders.
 */
export const oms: VectorFamily = {
  folder: 'training/oms',
  isOptional: true,
  isGrouped: true,
  *cases(files) {
    const pinned = pinnedOf(files.filter(({ name }) => !name.includes('/')))
    const signatures = files.filter((file) => isBundle(file))
    for (const file of signatures) yield* casesOf(file, files, pinned)
    for (const { name } of files) {
      if (!name.includes('/') || signatures.some((one) => dirname(one.name) === dirname(name))) continue
      yield { file: name, name: 'use', run: unused }
    }
  },
}

interface Pinned {
  keys: OmsKey[]
  roots: Certificate[]
}

function pinnedOf(files: readonly VectorFile[]): Pinned {
  const pinned: Pinned = { keys: [], roots: [] }
  for (const { text } of files) {
    if (text.includes('BEGIN PUBLIC KEY')) pinned.keys.push(parseOmsKey(text))
    // Some tools write the certificate in words before it.
    const at = text.indexOf('-----BEGIN CERTIFICATE-----')
    if (at < 0) continue
    const certificates = certificatesOfPem(text.slice(at)).map((der) => parseCertificate(der))
    pinned.roots.push(
      ...certificates.filter((one) => one.subjectText === one.issuerText && one.keyUsage === 32),
    )
  }
  return pinned
}

function isBundle({ text }: VectorFile): boolean {
  return text.startsWith('{') && text.includes('vnd.dev.sigstore.bundle')
}

function* casesOf(file: VectorFile, files: readonly VectorFile[], pinned: Pinned): Generator<VectorCase> {
  const one = (name: string, run: VectorCase['run']): VectorCase => ({ file: file.name, name, run })
  const bundle = parseOmsBundle(file.bytes)
  const observed = observe(file, files)
  const { kind } = bundle.material
  yield one('signature', () => {
    expectEqual('name', verify(bundle, pinned).name, basename(dirname(file.name)))
  })
  yield one('files', () => {
    const statement = parseOmsStatement(bundle.payload)
    const ignored = new Set([...statement.serialization.ignorePaths, ...UNSIGNED])
    const own = new Map([...observed(statement)].filter(([path]) => !isWithin(path, ignored)))
    expectEqual('differences', compareOms(statement, own), {
      changed: [],
      missing: [],
      extra: [],
      uncovered: [],
    })
    own.delete(statement.resources[0]!.path)
    expectEqual('missing', compareOms(statement, own).missing, [statement.resources[0]!.path])
  })
  yield one('flipped bytes', () => {
    for (const member of ['payload', 'signature'] as const)
      for (let at = 0; at < bundle[member].length; at++) {
        const bytes = bundle[member].slice()
        bytes[at]! ^= 1
        expectRefused(
          `${member} byte ${at}`,
          () => verify({ ...bundle, [member]: bytes }, pinned),
          kind === 'keyless' ? 'OMS_LOG_BODY' : 'OMS_SIGNATURE',
        )
      }
  })
  yield one('another signer', () => {
    const other = parseOmsKey(OTHER_KEY)
    expectRefused('another key', () => verifyOmsWithKey(bundle, other), 'OMS_SIGNATURE')
    expectRefused(
      'no root',
      () => verifyOmsWithCertificates(bundle, { roots: [], at: AT }),
      'OMS_SIGNATURE',
      'X509_CHAIN',
    )
    if (kind !== 'keyless') return
    const { trustedRoot } = SIGNER
    const refused = (what: string, change: Partial<typeof SIGNER>, code: string): void =>
      expectRefused(what, () => verifyOmsKeyless(bundle, { ...SIGNER, ...change }), code)
    refused('another identity', { identity: 'stefanb@us.ibm.com.example' }, 'OMS_IDENTITY')
    refused('another issuer', { issuer: 'https://sigstore.verify.ibm.com' }, 'OMS_IDENTITY')
    refused('no authority', { trustedRoot: { ...trustedRoot, authorities: [] } }, 'OMS_CERTIFICATE')
    refused('no log', { trustedRoot: { ...trustedRoot, logs: [] } }, 'OMS_LOG')
    const certificateLogs = trustedRoot.certificateLogs.slice(0, 1)
    refused('another certificate log', { trustedRoot: { ...trustedRoot, certificateLogs } }, 'OMS_SCT')
  })
}

/** A key that signed none of them. */
const OTHER_KEY = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt
6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==
-----END PUBLIC KEY-----
`

function verify(bundle: OmsBundle, { keys, roots }: Pinned): OmsStatement {
  switch (bundle.material.kind) {
    case 'key':
      return verifyOmsWithKey(bundle, keys[0]!)
    case 'certificates':
      return verifyOmsWithCertificates(bundle, { roots, at: AT }).statement
    case 'keyless':
      return verifyOmsKeyless(bundle, SIGNER).statement
  }
}

/** The files beside a signature, hashed whole or in parts as its manifest says. */
function observe(
  signature: VectorFile,
  files: readonly VectorFile[],
): (statement: OmsStatement) => Map<string, ObservedFile> {
  const folder = dirname(signature.name)
  const own = files.filter(({ name }) => dirname(name) === folder && name !== signature.name)
  return ({ serialization: { hash, shardSize } }) => {
    if (hash !== 'sha256' || shardSize !== undefined) throw new Error('no runner for this serialization')
    return new Map(
      own.map(({ name, bytes }) => [
        basename(name),
        { size: bytes.length, digests: [toHex(publicCrypto.sha256(bytes))] },
      ]),
    )
  }
}

/** Names of vectors have slashes on every system, and pages have no `node:path`. */
function dirname(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf('/')))
}

function basename(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1)
}

function unused(): never {
  throw new Error('no signature lies beside this file')
}
