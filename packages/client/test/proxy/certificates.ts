import { createPrivateKey } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { concat, utf8 } from '@sotto/protocol/bytes'
import { derWriter, type FakeExtension, type FakeIdentity, fakeRoot } from '@sotto/testkit/x509'

const DAY = 86_400
const now = Math.floor(Date.now() / 1000)
const validity = { notBefore: now - DAY, notAfter: now + DAY }

/** subjectAltName of names by the number of their kind: 1 e-mail, 2 DNS, 6 URI, 7 address. */
export function alternativeNames(...names: [kind: number, value: string | Uint8Array][]): FakeExtension {
  const values = names.map(([kind, value]) =>
    derWriter.der(0x80 | kind, typeof value === 'string' ? utf8(value) : value),
  )
  return { oid: '2.5.29.17', value: derWriter.sequence(...values) }
}

/** An authority, and what it issues. */
export function authority(): FakeIdentity {
  return fakeRoot({ commonName: 'Root of a test', ...validity })
}

/** A certificate for this machine. */
export function serverCertificate(root: FakeIdentity): FakeIdentity {
  return root.issue({
    commonName: 'localhost',
    extensions: [alternativeNames([2, 'localhost'], [7, Uint8Array.of(127, 0, 0, 1)])],
    ...validity,
  })
}

/** A certificate that names somebody. */
export function userCertificate(
  root: FakeIdentity,
  commonName: string,
  ...names: [kind: number, value: string][]
): FakeIdentity {
  return root.issue({
    commonName,
    ...validity,
    ...(names.length > 0 && { extensions: [alternativeNames(...names)] }),
  })
}

/** The private key of a certificate, PEM. */
export function keyPem({ key: { curve, publicKey, privateKey } }: FakeIdentity): string {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
  const half = (publicKey.length - 1) / 2
  const [x, y] = [publicKey.subarray(1, 1 + half), publicKey.subarray(1 + half)]
  const jwk = { kty: 'EC', crv: curve, x: text(x), y: text(y), d: text(privateKey) }
  return createPrivateKey({ key: jwk, format: 'jwk' }).export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** Writes certificate and key of a server. */
export function writeServerFiles(
  folder: string,
  server: FakeIdentity,
): { certFile: string; keyFile: string } {
  const files = { certFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key') }
  writeFileSync(files.certFile, server.pem)
  writeFileSync(files.keyFile, keyPem(server), { mode: 0o600 })
  return files
}

/** What came back. */
export interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
  json: () => { error: { code: string } }
  /** Of whoever answered. */
  certificate: string
}

/** One request over a connection of its own. */
export function ask(
  url: string,
  options: {
    ca?: string
    as?: FakeIdentity
    method?: string
    headers?: Record<string, string>
    body?: string
    maxVersion?: 'TLSv1.1' | 'TLSv1.2'
  },
): Promise<Answer> {
  const { as, ca, method = 'GET', headers = {}, body, maxVersion } = options
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      {
        method,
        headers,
        agent: false,
        ...(ca !== undefined && { ca }),
        ...(as && { cert: as.pem, key: keyPem(as) }),
        ...(maxVersion && { maxVersion, minVersion: 'TLSv1' as const }),
      },
      (incoming) => {
        const { fingerprint256: certificate } = (incoming.socket as TLSSocket).getPeerCertificate()
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('error', reject)
        incoming.on('end', () => {
          const text = Buffer.from(concat(...chunks)).toString()
          const json = (): { error: { code: string } } => JSON.parse(text) as never
          resolve({ status: incoming.statusCode!, headers: incoming.headers, text, json, certificate })
        })
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}
