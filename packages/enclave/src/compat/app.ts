import { encodeKeyList } from '@sotto/protocol/azure-dialect'
import { HPKE_KEM } from '@sotto/protocol/hpke'
import { OHTTP_MEDIA_TYPE, parseKeyConfigs } from '@sotto/protocol/ohttp'
import { type App, mapErrors, serveError } from '@sotto/serve/errors'
import { declaredLength } from '@sotto/serve/limits'
import {
  createHeldBytes,
  DEFAULT_GATEWAY_LIMITS,
  GATEWAY_STATUSES,
  gatewayError,
  type GatewayOptions,
} from '../gateway/index.ts'
import { azureExchange } from './exchange.ts'

/** Bytes of an encapsulated request beside its content: header, encapsulated key, head and tag. */
const FRAMING_BYTES = 65_536

/**
 * A gateway that also answers clients of Microsoft's attested OHTTP: `POST /score` and `GET /discover`, with what
 * the gateway itself is made of. What else is asked for, `gateway` answers. Outer headers decide nothing: the target
 * is what the encrypted request says.
 */
export function withAzure(gateway: App, options: GatewayOptions): App {
  const limits = { ...DEFAULT_GATEWAY_LIMITS, ...options.limits }
  const events = { bucketBytes: 512, windowMs: 20, ...options.events }
  const held = createHeldBytes(limits.allWholeBytes)
  let running = 0

  async function score(request: Request): Promise<Response> {
    if (request.headers.get('content-type') !== OHTTP_MEDIA_TYPE.chunkedRequest)
      throw serveError('HTTP_MEDIA_TYPE', 'only message/ohttp-chunked-req is taken here')
    const identity = requireServing()
    const length = declaredLength(request.headers)
    if ((length ?? 0) > limits.wholeRequestBytes + FRAMING_BYTES)
      throw serveError('HTTP_BODY_TOO_LARGE', 'the message is too large')
    if (running >= limits.exchanges) throw serveError('HTTP_BUSY', 'too many exchanges are in progress')
    const reservation = held.reserve(length)
    running++
    let isOver = false
    return azureExchange(request, {
      ...options,
      identity,
      limits,
      events,
      hold: (bytes) => reservation.hold(bytes),
      onOver() {
        if (isOver) return
        isOver = true
        running--
        reservation.release()
      },
    })
  }

  /** Their client takes the last key of a list: the newest. */
  function discover(): Response {
    requireServing()
    const configs = options.keys.configs === undefined ? [] : parseKeyConfigs(options.keys.configs)
    const own = configs.filter(({ kemId }) => kemId === HPKE_KEM.DHKEM_P384).toReversed()
    if (own.length === 0) throw notReady()
    return new Response(encodeKeyList(own), {
      headers: { 'content-type': 'text/plain', 'cache-control': 'no-cache' },
    })
  }

  function requireServing(): NonNullable<ReturnType<GatewayOptions['identity']>> {
    const identity = options.identity()
    if (identity !== undefined) return identity
    throw options.areWitnessesSilent?.() === true
      ? gatewayError('GATEWAY_WITNESSES_SILENT', 'the witnesses of the log have been silent for too long')
      : notReady()
  }

  const own = mapErrors(async (request) => (request.method === 'POST' ? score(request) : discover()), {
    statuses: GATEWAY_STATUSES,
    onError: (code) => options.onError?.(code),
  })
  return (request) => {
    const { pathname } = new URL(request.url)
    const isOwn =
      (request.method === 'POST' && pathname === '/score') ||
      (request.method === 'GET' && pathname === '/discover')
    return isOwn ? own(request) : gateway(request)
  }
}

function notReady(): Error {
  return gatewayError('GATEWAY_NOT_READY', 'this enclave is not attested yet, or its attestation is too old')
}
