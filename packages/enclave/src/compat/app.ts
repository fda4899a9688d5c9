import { encodeKeyList } from '@sotto/protocol/azure-dialect'
import { HPKE_KEM } from '@sotto/protocol/hpke'
import { OHTTP_MEDIA_TYPE, parseKeyConfigs } from '@sotto/protocol/ohttp'
import { type App, mapErrors, serveError } from '@sotto/serve/errors'
import {
  createAdmission,
  createGateway,
  GATEWAY_STATUSES,
  type GatewayOptions,
  notReady,
} from '../gateway/index.ts'
import { azureExchange } from './exchange.ts'

/** Bytes of an encapsulated request beside its content: header, encapsulated key, head and tag. */
const FRAMING_BYTES = 65_536

/**
 * A gateway that also answers clients of Microsoft's attested OHTTP: `POST /score` and `GET /discover`, with what
 * the gateway itself is made of, and under one admission: their requests take places and memory of everybody's, for a
 * party as everybody is. Outer headers decide nothing: the target is what the encrypted request says.
 */
export function createAzureGateway(options: GatewayOptions): App {
  const admission = createAdmission(options)
  const gateway = createGateway(options, admission)
  const { limits, events } = admission

  async function score(request: Request): Promise<Response> {
    if (request.headers.get('content-type') !== OHTTP_MEDIA_TYPE.chunkedRequest)
      throw serveError('HTTP_MEDIA_TYPE', 'only message/ohttp-chunked-req is taken here')
    const identity = admission.requireServing()
    const maxBytes = limits.wholeRequestBytes + FRAMING_BYTES
    const place = admission.enter(request, { maxBytes, isHeldWhole: true })
    return azureExchange(request, {
      ...options,
      identity,
      limits,
      events,
      onBehalf: place.onBehalf,
      hold: (bytes) => place.hold(bytes),
      onOver: () => place.leave(),
    })
  }

  /** Their client takes the last key of a list: the newest. */
  function discover(): Response {
    admission.requireServing()
    const configs = options.keys.configs === undefined ? [] : parseKeyConfigs(options.keys.configs)
    const own = configs.filter(({ kemId }) => kemId === HPKE_KEM.DHKEM_P384).toReversed()
    if (own.length === 0) throw notReady()
    return new Response(encodeKeyList(own), {
      headers: { 'content-type': 'text/plain', 'cache-control': 'no-cache' },
    })
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
