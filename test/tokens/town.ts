import { toBase64Url, toHex } from '@sotto/protocol/bytes'
import {
  importTokenKey,
  parseAuthorization,
  type Token,
  verifyIssuerKeys,
  parseDirectory,
} from '@sotto/protocol/tokens'
import { connect, type ConnectOptions, type Sotto } from '@sotto/client'
import { createService, type FakeService, RELAY } from '../../packages/client/test/support/service.ts'
import { openAccount, openTestIssuer, type TestIssuer } from '../../packages/edge/test/issuer/parties.ts'
import {
  createMemorySpentSet,
  createTokenGate,
  type TokenGate,
} from '../../packages/enclave/src/gateway/tokens/index.ts'
import { refuseInner } from '../../packages/enclave/src/gateway/answer.ts'

/** One exchange with the issuer, all bytes of it. */
export interface Issuance {
  account: string
  headers: Record<string, string>
  request: Uint8Array
  response: Uint8Array
}

/** An issuer, a gateway with its gate, and what each of them saw. */
export interface Town {
  service: FakeService
  issuer: TestIssuer
  issuances: Issuance[]
  /** Tokens that reached the gate, admitted or not. */
  tokens: Token[]
  /** The gateway starts again: its memory of spent tokens is lost. */
  restartGateway(): void
  /** Somebody with an account of its own. */
  newClient(options?: Partial<ConnectOptions>, quota?: number): Promise<Sotto>
  /** Changes what the issuer answers clients; has the gateway know no key of it. */
  bend: { issuer?: ((path: string) => Response | undefined) | undefined; isIssuerUnheard?: boolean }
}

export async function openTown(): Promise<Town> {
  const service = await createService()
  const issuer = await openTestIssuer({ log: service.world.log, now: service.now(), classes: ['standard'] })
  await issuer.keys.tick()
  const issuances: Issuance[] = []
  const tokens: Token[] = []
  const bend: Town['bend'] = {}
  let gate: TokenGate

  function restartGateway(): void {
    const { keys } = verifyIssuerKeys(parseDirectory(issuer.keys.directory!).envelope, issuer.publicKey)
    const byId = new Map(
      keys.map((one) => [toHex(one.key.id), { ...one, verifying: importTokenKey(one.key) }]),
    )
    const { set, context } = createMemorySpentSet({ maxEntries: 10_000, now: service.now })
    gate = createTokenGate({
      issuerName: 'issuer.example',
      spendContext: context,
      spent: set,
      keys: {
        find: (id) => (bend.isIssuerUnheard ? undefined : byId.get(toHex(id))),
        isCurrent: () => bend.isIssuerUnheard !== true,
      },
      classes: { standard: { burst: 10_000, perSecond: 1000 } },
      now: service.now,
    })
  }
  restartGateway()
  // What the gateway does between decryption and its app (packages/enclave/src/gateway/answer.ts).
  service.knobs.app = async (request) => {
    const { pathname, search } = new URL(request.url)
    const authorization = request.headers.get('authorization') ?? undefined
    // Long enough to be one; the gate finds out.
    if (authorization !== undefined && authorization.length > 400)
      tokens.push(parseAuthorization(authorization))
    try {
      const admitted = gate.admit(request.method, pathname + search, authorization)
      if (admitted instanceof Response) return admitted
      await admitted?.spent
      return new Response('served')
    } catch (error) {
      return refuseInner(error, gate)
    }
  }

  return {
    service,
    issuer,
    issuances,
    tokens,
    restartGateway,
    bend,
    newClient(options = {}, quota = 1000) {
      const { id, secret } = openAccount(issuer, quota)
      const toIssuer: typeof fetch = async (input, init) => {
        const request = new Request(input, init as RequestInit)
        const bent = bend.issuer?.(new URL(request.url).pathname)
        if (bent !== undefined) return bent
        const headers = Object.fromEntries(request.headers)
        const body = await request.clone().bytes()
        const response = await issuer.app(request)
        issuances.push({ account: id, headers, request: body, response: await response.clone().bytes() })
        return response
      }
      return connect(RELAY, {
        policy: service.world.policy,
        fetch: service.fetch,
        now: service.now,
        tokens: {
          issuer: { url: 'https://issuer.example', key: toBase64Url(issuer.publicKey) },
          apiKey: secret,
          poolSize: 4,
          fetch: toIssuer,
        },
        ...options,
      })
    },
  }
}

/** One request of a client, as an OpenAI SDK sends it: with a bearer key of its own. */
export async function ask(sotto: Sotto, body: BodyInit = '{}'): Promise<Response> {
  return sotto.fetch(`${sotto.baseURL}/chat/completions`, {
    method: 'POST',
    body,
    headers: { authorization: 'Bearer sk-of-the-sdk', 'content-type': 'application/json' },
  })
}
