import { Hono } from 'hono'
import { fromUtf8 } from '@sotto/protocol/bytes'
import { SottoError } from '@sotto/protocol/errors'
import { type Decoder, jcsError } from '@sotto/protocol/jcs'
import { recoveryShareDecoder } from '@sotto/protocol/custody'
import { handoverRequestDecoder } from '@sotto/protocol/handover'
import { NONCE_RATE, nonceOf, releaseRequestDecoder } from '@sotto/protocol/keyrelease'
import { MAX_CALL_BYTES } from '@sotto/protocol/contract'
import { SEALED_CALL_OVERHEAD_BYTES, SEALED_CALL_TYPE } from '@sotto/protocol/sealed-call'
import { MAX_WITHDRAWAL_BYTES } from '@sotto/protocol/sealed-models'
import { spendEnvelope } from '@sotto/protocol/spending'
import { type App, errorResponse, serveError } from '@sotto/serve/errors'
import { type Readiness, withHealth } from '@sotto/serve/health'
import { createConcurrencyLimiter, createRateLimiter, readBody } from '@sotto/serve/limits'
import { identityDocument, type Kms, keysDocument } from '../core/index.ts'
import { kmsError, KMS_STATUSES } from '../errors.ts'
import {
  ballotRequestDecoder,
  governanceDocument,
  holdRequestDecoder,
  proposalDocument,
  proposalRequestDecoder,
} from '../governance/index.ts'
import { type RecoveryCeremony, sharesDocument } from '../root/index.ts'

/** Largest body with evidence, in bytes: eight GPUs with the signed manifests of their firmware. */
const MAX_RELEASE_BYTES = 4_194_304
/** A proposal with 32 release statements. */
const MAX_PROPOSAL_BYTES = 2_400_000
const MAX_ENVELOPE_BYTES = 65_535

/** What strangers may cause: reads are cheap, judgements cost milliseconds, changes cost a disk write. */
const JUDGEMENT_RATE = { capacity: 256, perSecond: 128 }
const CHANGE_RATE = { capacity: 32, perSecond: 2 }
/**
 * What claims to be of a member, or an owner, costs a signature check until it is known to be, and then counts against that
 * member. Holds have a budget of their own, and so have removals of models, which other requests cannot use up.
 */
const STATEMENT_RATE = { capacity: 256, perSecond: 128 }
const HOLD_RATE = { capacity: 512, perSecond: 256 }
/** Opening what claims to be a custodian's share costs a decapsulation. */
const SHARE_RATE = { capacity: 64, perSecond: 16 }
const MAX_SHARE_BYTES = 8192
/** Gateways ask once a round trip; what a stranger sends in the name of one costs a signature check. */
const SPEND_RATE = { capacity: 4096, perSecond: 2048 }
const JOIN_RATE = { capacity: 512, perSecond: 32 }
/** An envelope as text in a JSON body: its quotes are escaped. */
const MAX_SPEND_BYTES = 131_072
const JUDGEMENTS_AT_ONCE = { running: 8, waiting: 64 }
/** A stranger's contract costs its decoding, tens of milliseconds at most; releases do not wait behind it. */
const CALL_RATE = { capacity: 128, perSecond: 16 }
const CALLS_AT_ONCE = { running: 2, waiting: 64 }
/** Reports of the hardware for nonces, one at a time: renewals of our own evidence do not wait behind many. */
const NONCES_AT_ONCE = { running: 1, waiting: 4 }

/** What the app is told and tells. */
export interface KmsAppOptions {
  /** The KMS once it has started. */
  kms: () => Kms | undefined
  /** Whether another replica serves. */
  isStandby?: () => boolean
  /** The ceremony while custodians are waited for. */
  recovery?: () => RecoveryCeremony | undefined
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
  const statements = createRateLimiter(STATEMENT_RATE, options.monotonic)
  const owners = createRateLimiter(STATEMENT_RATE, options.monotonic)
  const removals = createRateLimiter(STATEMENT_RATE, options.monotonic)
  const holds = createRateLimiter(HOLD_RATE, options.monotonic)
  const shares = createRateLimiter(SHARE_RATE, options.monotonic)
  const spends = createRateLimiter(SPEND_RATE, options.monotonic)
  const joins = createRateLimiter(JOIN_RATE, options.monotonic)
  const calls = createRateLimiter(CALL_RATE, options.monotonic)
  const nonces = createRateLimiter(NONCE_RATE, options.monotonic)
  const contracts = createConcurrencyLimiter(CALLS_AT_ONCE)
  const reports = createConcurrencyLimiter(NONCES_AT_ONCE)
  const releases = createConcurrencyLimiter(JUDGEMENTS_AT_ONCE)
  const app = new Hono()

  app.get('/v1/genesis', () => json(identityDocument(started().view)))
  app.get('/v1/keys', async ({ req }) => {
    const kms = started()
    const nonce = nonceOf(req.url)
    if (nonce === undefined) return json(keysDocument(kms.view))
    nonces.take()
    return json(await reports.run(() => kms.keysFor(nonce)))
  })
  app.post('/v1/release', async ({ req }) => {
    const kms = started()
    judgements.take()
    const request = decode(await readBody(req.raw, MAX_RELEASE_BYTES), releaseRequestDecoder)
    const response = await releases.run(() => kms.release(request))
    options.onRelease?.()
    return json(response)
  })
  app.post('/v1/handover', async ({ req }) => {
    const kms = started()
    judgements.take()
    const request = decode(await readBody(req.raw, MAX_RELEASE_BYTES), handoverRequestDecoder)
    return json(await releases.run(() => kms.handOver(request)))
  })
  app.get('/v1/proposals', () => json(governanceDocument(started().view.state)))
  app.get('/v1/proposals/:id{[0-9a-f]{64}}', ({ req }) =>
    json(proposalDocument(started().view.state, req.param('id'))),
  )
  app.get('/v1/shares', () => json(sharesDocument(started().view.state)))
  app.post('/v1/shares/acknowledgements', async ({ req }) => {
    const kms = started()
    changes.take()
    return json(await kms.acknowledgeShare(await readBody(req.raw, MAX_ENVELOPE_BYTES)))
  })
  app.get('/v1/recovery', () => json(waiting().document))
  app.post('/v1/recovery/shares', async ({ req }) => {
    const ceremony = waiting()
    shares.take()
    return json(ceremony.submit(decode(await readBody(req.raw, MAX_SHARE_BYTES), recoveryShareDecoder)))
  })
  app.post('/v1/proposals', async ({ req }) => {
    const kms = started()
    statements.take()
    return json(
      await kms.propose(decode(await readBody(req.raw, MAX_PROPOSAL_BYTES), proposalRequestDecoder)),
    )
  })
  app.post('/v1/ballots', async ({ req }) => {
    const kms = started()
    statements.take()
    return json(
      await kms.vote(decode(await readBody(req.raw, MAX_ENVELOPE_BYTES), ballotRequestDecoder).ballot),
    )
  })
  app.post('/v1/holds', async ({ req }) => {
    const kms = started()
    holds.take()
    return json(await kms.hold(decode(await readBody(req.raw, MAX_ENVELOPE_BYTES), holdRequestDecoder).hold))
  })
  app.get('/v1/spend-context', () => json({ envelope: started().spending.offer() }))
  app.post('/v1/spend/join', async ({ req }) => {
    const { spending } = started()
    joins.take()
    const envelope = decode(await readBody(req.raw, MAX_SPEND_BYTES), spendEnvelope)
    return json({ envelope: await spending.join(envelope) })
  })
  app.post('/v1/spend', async ({ req }) => {
    const { spending } = started()
    spends.take()
    const envelope = decode(await readBody(req.raw, MAX_SPEND_BYTES), spendEnvelope)
    return json({ envelope: await spending.spend(envelope) })
  })
  app.post('/v1/artifacts/:id{[0-9a-f]{32}}/key', async ({ req }) => {
    const kms = started()
    owners.take()
    return json(await kms.importArtifact(req.param('id'), await readBody(req.raw, MAX_ENVELOPE_BYTES)))
  })
  app.delete('/v1/artifacts/:id{[0-9a-f]{32}}/key', async ({ req }) => {
    const kms = started()
    owners.take()
    return json(await kms.removeArtifact(req.param('id'), await readBody(req.raw, MAX_ENVELOPE_BYTES)))
  })
  app.post('/v1/model-removals', async ({ req }) => {
    const kms = started()
    removals.take()
    return json(await kms.removeModel(await readBody(req.raw, MAX_WITHDRAWAL_BYTES)))
  })
  app.post('/v1/contracts', async ({ req }) => {
    const kms = started()
    calls.take()
    const bytes = await readBody(req.raw, MAX_CALL_BYTES + SEALED_CALL_OVERHEAD_BYTES)
    // Counted as every refusal is, though nobody outside reads it.
    const answer = await contracts.run(() => kms.answerCall(bytes, refuse))
    return new Response(answer as Uint8Array<ArrayBuffer>, {
      headers: { 'content-type': SEALED_CALL_TYPE, 'cache-control': 'no-store' },
    })
  })
  app.notFound(() => refuse(serveError('HTTP_NOT_FOUND', 'there is no such route')))
  app.onError((error) => refuse(error))
  return withHealth((request) => app.fetch(request), readiness)

  function started(): Kms {
    const kms = options.kms()
    if (kms === undefined && options.isStandby?.() === true)
      throw kmsError('KMS_STANDBY', 'another replica of this KMS serves; ask that one')
    if (kms === undefined) throw kmsError('KMS_NOT_READY', 'this KMS is still starting')
    return kms
  }
  function waiting(): RecoveryCeremony {
    const ceremony = options.recovery?.()
    if (ceremony !== undefined) return ceremony
    throw kmsError('KMS_NOT_WAITING', 'this KMS waits for no custodians')
  }
  function readiness(): Readiness {
    if (options.recovery?.() !== undefined) return { ready: false, code: 'KMS_WAITING_FOR_CUSTODIANS' }
    const code = options.isStandby?.() === true ? 'KMS_STANDBY' : 'KMS_NOT_READY'
    return options.kms()?.readiness() ?? { ready: false, code }
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
