import { type Context, Hono } from 'hono'
import { utf8 } from '@sotto/protocol/bytes'
import { members, parseStrictJson, text } from '@sotto/protocol/jcs'
import { parseMaaToken } from '@sotto/verifier/maa'
import { type App, errorResponse, serveError } from '@sotto/serve/errors'
import { createConcurrencyLimiter, createRateLimiter, readBody } from '@sotto/serve/limits'
import { fromUtf8 } from '@sotto/protocol/bytes'
import { currentPolicy } from '../core/view.ts'
import type { Kms } from '../core/index.ts'
import { kmsError, KMS_STATUSES } from '../errors.ts'
import type { AzureIdentity } from './identity.ts'
import type { KeySets } from './key-sets.ts'
import { azureKeys, publishedKeys } from './published.ts'
import { releaseToToken } from './release.ts'
import { type CertifiedService, ServiceCertifier } from './service.ts'
import { type AdmittedToken, admitToken, issuersOf, tokenTuples } from './token.ts'

/** What the routes of the dialect are made of. */
export interface AzureAppOptions {
  kms: () => Kms | undefined
  identity: AzureIdentity
  keySets: KeySets
  /** Name of the KMS, for people. */
  name: string
  /** Told once per refused request. */
  onError?: (code: string, status: number) => void
  /** Told once per answered release. */
  onRelease?: () => void
  /** Milliseconds for rate limits, never going back. Default `performance.now`. */
  monotonic?: () => number
}

const MAX_TOKEN_BYTES = 32_768
const MAX_BODY_BYTES = 65_536
/** What strangers may cause: a judgement costs a millisecond. */
const JUDGEMENT_RATE = { capacity: 128, perSecond: 64 }

/** As the KMS's own routes: whoever comes beyond that is told so at once, and nobody's memory fills. */
const JUDGEMENTS_AT_ONCE = { running: 8, waiting: 64 }

const unwrapDecoder = members<{ wrappedKid: string; wrapped?: string }>(
  { wrappedKid: text(3, /^(?:0|[1-9][0-9]{0,2})$/) },
  { wrapped: text(4096) },
)

/**
 * The routes of Microsoft's KMS, at `/` and at `/app/`, over what this KMS does anyway. Whoever calls is a stranger:
 * a key leaves only wrapped to a TPM that a token vouches for, and nothing here changes anything.
 */
export function createAzureApp(options: AzureAppOptions): App {
  const judgements = createRateLimiter(JUDGEMENT_RATE, options.monotonic)
  const releases = createConcurrencyLimiter(JUDGEMENTS_AT_ONCE)
  const certifier = new ServiceCertifier(options.identity)
  const routes = new Hono()

  routes.get('/listpubkeys', (c) =>
    whenCertified(c, (kms, { receipts }) => {
      const { state } = kms.view
      currentPolicy(state)
      return publishedKeys(azureKeys(state, kms.now()), receipts)
    }),
  )
  routes.post('/key', async (c) => {
    const { req } = c
    // Whatever else is asked for: there is no other way out.
    if (req.query('encrypted') !== 'true')
      throw kmsError('KMS_REQUEST_MALFORMED', 'keys leave encrypted only', { expected: 'encrypted=true' })
    const keyId = keyIdOf(req.query('kid'))
    await readBody(req.raw, MAX_BODY_BYTES)
    return whenCertified(c, async (kms, { receipts }) => {
      const token = tokenOf(c)
      const { keyId: kid, wrapped, release } = await releases.run(() => releaseKey(kms, keyId, token))
      return { kid, key: wrapped, receipt: receipts.get(kid) ?? '', release }
    })
  })
  routes.post('/unwrapKey', async (c) => {
    const body = await readBody(c.req.raw, MAX_BODY_BYTES)
    const { wrappedKid } = unwrapDecoder(
      parseStrictJson(fromUtf8(body), { maxBytes: MAX_BODY_BYTES }),
      'body',
    )
    const keyId = keyIdOf(wrappedKid)
    return whenCertified(c, async (kms, { receipts }) => {
      const token = tokenOf(c)
      const { keyId: kid, wrapped, release } = await releases.run(() => releaseKey(kms, keyId, token))
      return { wrapped, receipt: receipts.get(kid) ?? '', release }
    })
  })
  routes.post('/refresh', () => {
    throw kmsError('KMS_REFRESH_GOVERNED', 'members decide on new keys: nobody who only connects', {
      hint: 'A member proposes it: sotto propose rotate.',
    })
  })
  routes.get('/keyReleasePolicy', (c) => c.json(currentPolicy(started().view.state).document))
  routes.get('/settingsPolicy', (c) =>
    c.json({ service: { name: options.name, description: 'Sotto KMS', version: '1', debug: false } }),
  )
  routes.get('/auth', async (c) => {
    const kms = started()
    const token = tokenOf(c)
    const { tuple } = await releases.run(async () => judge(kms, token))
    return c.json({ auth: { policy: 'jwt', tuple } })
  })
  routes.get('/heartbeat', (c) => (started(), c.json({ status: 'Service is running' })))
  routes.get('/node/network', (c) =>
    c.json({ service_certificate: options.identity.service.pem, service_status: 'Open' }),
  )
  routes.get('/sotto/service', (c) =>
    whenCertified(c, (_kms, { statement }) => ({ certificate: options.identity.service.pem, statement })),
  )

  const app = new Hono()
  app.use(async (c, next) => {
    await next()
    c.header('cache-control', 'no-store')
  })
  app.route('/app', routes)
  app.route('/', routes)
  app.notFound(() => refuse(serveError('HTTP_NOT_FOUND', 'there is no such route')))
  app.onError((error) => refuse(error))
  return async (request) => app.fetch(request)

  function started(): Kms {
    const kms = options.kms()
    if (kms === undefined) throw kmsError('KMS_NOT_READY', 'this KMS is still starting')
    return kms
  }

  /** 202 until the log has the statement that the answer rests on: their clients come back by themselves. */
  async function whenCertified(
    c: Context,
    answer: (kms: Kms, certified: CertifiedService) => object | Promise<object>,
  ): Promise<Response> {
    const kms = started()
    const certified = certifier.current(kms)
    if (certified === undefined) return c.body(null, 202, { 'retry-after': '3' })
    return c.json(await answer(kms, certified))
  }

  async function judge(kms: Kms, token: Uint8Array): Promise<AdmittedToken> {
    judgements.take()
    const { document } = currentPolicy(kms.view.state)
    const issuer = issuerOf(token)
    // Only an issuer that the members named is ever asked for its keys.
    if (issuer === undefined || !issuersOf(tokenTuples(document)).includes(issuer))
      throw kmsError('KMS_NOT_ADMITTED', 'no tuple of the policy names the issuer of this token')
    return admitToken(token, await options.keySets.of(issuer), document, kms.now())
  }

  async function releaseKey(
    kms: Kms,
    keyId: number | undefined,
    token: Uint8Array,
  ): ReturnType<typeof releaseToToken> {
    const { digest } = currentPolicy(kms.view.state)
    const admitted = await judge(kms, token)
    const answer = await kms.releaseBy((context) => {
      if (context.policy.digest !== digest)
        throw kmsError('KMS_NOT_READY', 'members have decided on another policy meanwhile')
      return releaseToToken(keyId, token, admitted, context)
    })
    options.onRelease?.()
    return answer
  }

  function refuse(error: unknown): Response {
    const response = errorResponse(error, KMS_STATUSES)
    options.onError?.((error as { code?: string }).code ?? 'INTERNAL', response.status)
    return response
  }
}

/** @throws `KMS_TOKEN_REFUSED` without one */
function tokenOf(c: Context): Uint8Array {
  const [, token] = /^Bearer ([A-Za-z0-9._-]+)$/.exec(c.req.header('authorization') ?? '') ?? []
  if (token !== undefined && token.length <= MAX_TOKEN_BYTES) return utf8(token)
  throw kmsError('KMS_TOKEN_REFUSED', 'there is no attestation token', { expected: 'Authorization: Bearer' })
}

function issuerOf(token: Uint8Array): string | undefined {
  try {
    return parseMaaToken(token).issuer
  } catch (cause) {
    throw kmsError('KMS_TOKEN_REFUSED', 'the attestation token is malformed', { cause })
  }
}

function keyIdOf(kid: string | undefined): number | undefined {
  if (kid === undefined) return undefined
  const keyId = /^(?:0|[1-9][0-9]{0,2})$/.test(kid) ? Number(kid) : 256
  if (keyId < 256) return keyId
  throw kmsError('KMS_REQUEST_MALFORMED', 'the key identifier is none', { expected: 'kid 0 to 255' })
}
