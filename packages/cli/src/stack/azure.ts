import { request } from 'node:https'
import {
  AZURE_PAYLOAD_TYPES,
  azureError,
  azureServiceDecoder,
  parseCcfReceipt,
  parsePublishedKeys,
  verifyCcfReceipt,
} from '@sotto/protocol/azure-dialect'
import { verifyEntryProof } from '@sotto/client/monitor'
import { fromUtf8, toBase64Url, toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { parseDsse, verifyDsse } from '@sotto/protocol/dsse'
import { integer, object, parseStrictJson, text } from '@sotto/protocol/jcs'
import { decodeDocument, type LoggedStatement } from '@sotto/protocol/keyrelease'
import { proveInclusion } from '@sotto/protocol/merkle'
import { parseCheckpoint, parseNote } from '@sotto/protocol/note'
import { parseCertificate, pemToDer } from '@sotto/protocol/x509'
import type { TrustedService, TrustPolicy } from '@sotto/verifier'
import { cliError } from '../errors.ts'
import { tileReader } from './verify-kms.ts'

const MAX_ANSWER_BYTES = 1_048_576
const TIMEOUT_MS = 10_000
/** Pause while the KMS tells the log. */
const PENDING_MS = 200

/** Text of an answer of the KMS. @param ca of the connection; absent: nothing is known of it */
export type AzureCall = (url: string, ca?: string) => Promise<string>

/** What is needed to check whom clients of the dialect are going to pin. */
export interface AzureCheck {
  /** Where the KMS serves the dialect, `https://…`. */
  url: string
  logUrl: string
  policy: TrustPolicy
  /** The KMS, verified. */
  service: TrustedService
  /** Unix seconds. */
  now: number
}

const serviceDecoder = object<{ certificate: string; statement: LoggedStatement }>({
  certificate: text(8192),
  statement: object<LoggedStatement>({ envelope: text(16_384), index: integer() }),
})

/**
 * The certificate that clients of the dialect pin, PEM. It comes over a connection that proves nothing: authentic
 * it is because the verified KMS signed its digest, the log has that statement, and every published key has a
 * receipt under it that is about a key of the verified set. Their own client checks none of this.
 * @throws `AZURE_MALFORMED`, `AZURE_RECEIPT_INVALID`, those of note and DSSE; `STACK_UNREACHABLE`
 */
export async function checkAzureService(check: AzureCheck, call: AzureCall = callKms): Promise<string> {
  const { service, now } = check
  const answer = await call(`${check.url}/sotto/service`)
  const { certificate: pem, statement } = serviceDecoder(parseStrictJson(answer), 'service')
  const { payload } = verifyDsse(parseDsse(utf8(statement.envelope)), AZURE_PAYLOAD_TYPES.service, [
    service.signingKey,
  ])
  const document = decodeDocument(payload, azureServiceDecoder)
  const der = pemToDer(pem, 'CERTIFICATE')
  const digest = toHex(crypto.sha256(der))
  if (document.genesis !== service.genesis || document.certificate !== digest)
    throw azureError('AZURE_RECEIPT_INVALID', 'the KMS vouches for another service certificate', {
      expected: document.certificate,
      found: digest,
    })
  await requireLogged(statement, check)
  const list = parsePublishedKeys(await call(`${check.url}/listpubkeys`, pem))
  for (const { bytes, receipt } of list) {
    verifyCcfReceipt(parseCcfReceipt(receipt), { service: parseCertificate(der), config: bytes, at: now })
    if (!service.keySet.keys.some(({ config }) => config === toBase64Url(bytes)))
      throw azureError('AZURE_RECEIPT_INVALID', 'a published key is not of the logged key set')
  }
  return pem
}

async function requireLogged(
  { envelope, index }: LoggedStatement,
  { logUrl, policy }: AzureCheck,
): Promise<void> {
  const note = await (await fetch(`${logUrl}/log/checkpoint`)).text()
  const { size } = parseCheckpoint(parseNote(note).text)
  const path = await proveInclusion(index, size, tileReader(logUrl))
  const { keys, quorum } = policy.witnesses
  verifyEntryProof(
    { entry: utf8(envelope), index, path, note },
    {
      origin: policy.log.origin,
      logKey: policy.log.key,
      witnessKeys: keys.map(({ key }) => key),
      quorum,
    },
  )
}

/** An answer, once it is no longer pending. */
async function callKms(url: string, ca?: string): Promise<string> {
  const deadline = Date.now() + TIMEOUT_MS
  for (;;) {
    const { status, body } = await callOnce(url, ca)
    if (status === 200) return body
    if (status !== 202 || Date.now() > deadline)
      throw cliError('STACK_UNREACHABLE', `the KMS answers ${status} to clients of the other dialect`)
    await new Promise((resolve) => setTimeout(resolve, PENDING_MS))
  }
}

function callOnce(url: string, ca: string | undefined): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void =>
      reject(cliError('STACK_UNREACHABLE', `no answer from ${new URL(url).host}`, { cause }))
    const trust = ca === undefined ? { rejectUnauthorized: false } : { ca }
    const call = request(url, { ...trust, agent: false, timeout: TIMEOUT_MS }, (response) => {
      const parts: Buffer[] = []
      let length = 0
      response.on('data', (part: Buffer) => {
        length += part.length
        if (length > MAX_ANSWER_BYTES) call.destroy(new Error('the answer is too long'))
        else parts.push(part)
      })
      response.on('error', fail)
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: fromUtf8(new Uint8Array(Buffer.concat(parts))) }),
      )
    })
    call.on('timeout', () => call.destroy(new Error('no answer in time')))
    call.on('error', fail)
    call.end()
  })
}
