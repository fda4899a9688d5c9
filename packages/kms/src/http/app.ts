import { Hono } from 'hono'
import { fromUtf8 } from '@sotto/protocol/bytes'
import { SottoError } from '@sotto/protocol/errors'
import { type Decoder, jcsError } from '@sotto/protocol/jcs'
import { releaseRequestDecoder } from '@sotto/protocol/keyrelease'
import { type App, errorResponse, serveError } from '@sotto/serve/errors'
import { type Readiness, withHealth } from '@sotto/serve/health'
import { createConcurrencyLimiter, createRateLimiter, readBody } from '@sotto/serve/limits'
import { identityDocument, type Kms, keysDocument } from '../core/index.ts'
import { kmsError, KMS_STATUSES } from '../errors.ts'
import { policyProposalDecoder } from '../policies/index.ts'

/** Largest body with evidence, in bytes: eight GPUs with the signed manifests of their firmware. */
const MAX_RELEASE_BYTES = 4_194_304
const MAX_POLICY_BYTES = 2_400_000
const MAX_ENVELOPE_BYTES = 65_535

/** What strangers may cause: reads are cheap, judgements cost milliseconds, changes cost a disk write. */
const JUDGEMENT_RATE = { capacity: 256, perSecond: 128 }
const CHANGE_RATE = { capacity: 32, perSecond: 2 }
const JUDGEMENTS_AT_ONCE = { running: 8, waiting: 64 }

/** What the app is told and tells. */
export interface KmsAppOptions {
  /** The KMS once it has started. */
  kms: () => Kms | undefined
  /** Told once per refused request. */
  onError?: (code: string, status: number) => void
  /** Told once per answered release. */
  onRelease?: () => void
  /** Milliseconds for rate limits, never going back. Default `performance.now`. */
  monotonic?: () => number
}

/**
 * The KMS over HTTP. Whoever calls is a stranger: nothing here is decided by who connects, only by
 * what evidence and signatures prove.
 */
export function createKmsApp(options: KmsAppOptions): App {
  const judgements = createRateLimiter(JUDGEMENT_RATE, options.monotonic)
  const changes = createRateLimiter(CHANGE_RATE, options.monotonic)
  const releases = createConcurrencyLimiter(JUDGEMENTS_AT_ONCE)
  const app = new Hono()

  app.get('/v1/genesis', () => json(identityDocument(started().view)))
  app.get('/v1/keys', () => json(keysDocument(started().view)))
  app.post('/v1/release', async ({ req }) => {
    const kms = started()
    judgements.take()
    const request = decode(await readBody(req.raw, MAX_RELEASE_BYTES), releaseRequestDecoder)
    const response = await releases.run(() => kms.release(request))
    options.onRelease?.()
    return json(response)
  })
  app.post('/v1/policies', async ({ req }) => {
    const kms = started()
    changes.take()
    return json(
      await kms.acceptPolicy(decode(await readBody(req.raw, MAX_POLICY_BYTES), policyProposalDecoder)),
    )
  })
  app.post('/v1/rotate', async ({ req }) => {
    const kms = started()
    changes.take()
    return json(await kms.rotate(await readBody(req.raw, MAX_ENVELOPE_BYTES)))
  })
  app.post('/v1/artifacts/:id{[0-9a-f]{32}}/key', async ({ req }) => {
    const kms = started()
    changes.take()
    return json(await kms.importArtifact(req.param('id'), await readBody(req.raw, MAX_ENVELOPE_BYTES)))
  })
  app.notFound(() => refuse(serveError('HTTP_NOT_FOUND', 'there is no such route')))
  app.onError((error) => refuse(error))
  return withHealth((request) => app.fetch(request), readiness)

  function started(): Kms {
    const kms = options.kms()
    if (kms === undefined) throw kmsError('KMS_NOT_READY', 'this KMS is still starting')
    return kms
  }
  function readiness(): Readiness {
    return options.kms()?.readiness() ?? { ready: false, code: 'KMS_NOT_READY' }
  }
  function refuse(error: unknown): Response {
    const response = errorResponse(error, KMS_STATUSES)
    options.onError?.(codeOf(error), response.status)
    return response
  }
}

function codeOf(error: unknown): string {
  return error instanceof SottoError ? error.code : 'INTERNAL'
}

function decode<T>(bytes: Uint8Array, decoder: Decoder<T>): T {
  let value: unknown
  try {
    value = JSON.parse(fromUtf8(bytes))
  } catch {
    throw jcsError('JCS_MALFORMED', 'the body is not JSON')
  }
  return decoder(value, 'body')
}

function json(value: unknown): Response {
  return new Response(JSON.stringify(value), {
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  })
}
