import { nonceDecoder } from '@sotto/protocol/keyrelease'
import type { Verdict } from '@sotto/verifier'
import { createVerifiedFetch } from './fetch/index.ts'
import { lazily } from './lazily.ts'
import { liveTranscriber } from './live/load.ts'
import type { SottoModels } from './models/types.ts'
import { isBrowser } from './platform.ts'
import { createReceiptBook } from './receipts/index.ts'
import type { Contracts } from './rooms/contracts.ts'
import type { RoomRuns } from './rooms/runs/index.ts'
import type { SottoTensors } from './tensors/types.ts'
import { APP_ORIGIN, INNER_ORIGIN, type Outlet } from './transport/index.ts'
import {
  checkOnce,
  checkpointMemory,
  logAddress,
  memoryStorage,
  openTrustSession,
  relayAddresses,
  tileReader,
  type TrustSource,
} from './trust/index.ts'
import type { CheckOptions, ConnectOptions, Sotto } from './types.ts'

/**
 * Verifies a service and connects to it. Until every required step has passed, nothing is sent but
 * the request for the trust bundle (and for tiles of its log). There is no weaker path.
 *
 * @param relayUrl https address of the relay (http only on this machine)
 * @throws `VERIFY_REFUSED` (a {@link VerificationRefused} with the verdict), `BUNDLE_UNREACHABLE`, `BUNDLE_INVALID`,
 * `RELAY_URL`, `ISSUER_URL`, `STORAGE_INVALID`, `POLICY_MALFORMED`
 *
 * @example See `connect.examples.ts`
 */
export async function connect(relayUrl: string, options: ConnectOptions): Promise<Sotto> {
  const source = trustSource(relayUrl, options)
  const session = await openTrustSession(source, options.signal)
  const outlet: Outlet = {
    requests: relayAddresses(relayUrl, options.gateway ?? DEFAULT_GATEWAY).requests,
    fetch: source.fetch,
    streamUploads: options.streamUploads ?? !isBrowser,
    webSocket: options.webSocket ?? (isBrowser ? globalThis.WebSocket : undefined),
  }
  const receipts = createReceiptBook({
    policy: options.policy,
    send: (path) => verified.get(path),
    onReceipt: options.onReceipt,
    withTrust: options.receiptTrust ?? true,
  })
  const tokens = options.tokens && {
    pool: (await import('./tokens/open-pool.ts')).openTokenPool({
      ...source,
      tokens: options.tokens,
      storage: options.storage ?? memoryStorage(),
      readTile: tileReader(source.logUrl, source.fetch),
      get: (path) => verified.get(path),
    }),
    ...(await import('./tokens/spend.ts')),
  }
  const verified = createVerifiedFetch({ session, outlet, now: source.now, receipts, tokens })
  tokens?.pool.warmUp()
  // What fails here fails again when it is needed, and is told then.
  if (source.now() < session.verdict.validUntil)
    void session
      .current()
      .then(verified.prepare)
      .catch(() => undefined)
  const { fetch } = verified
  const receiptOf: Sotto['receiptOf'] = (response) => receipts.receiptOf(response)
  const tensors: SottoTensors = lazily(['run', 'describe'], async () =>
    (await import('./tensors/run.ts')).createTensors({ fetch, receiptOf }),
  )
  const models: Omit<SottoModels, 'run'> = lazily(['upload', 'push', 'list', 'show', 'remove'], async () =>
    (await import('./models/models.ts')).createModels({
      fetch,
      service: () => session.current(),
      policy: options.policy,
      now: source.now,
    }),
  )
  const verification = { fetch, service: () => session.current(), policy: options.policy, now: source.now }
  const contracts: Contracts = lazily(['accept', 'state', 'withdraw', 'close', 'show'], async () => {
    const { callSender } = await import('./rooms/send.ts')
    const { createContracts } = await import('./rooms/contracts.ts')
    return createContracts({ ...verification, send: callSender(fetch) })
  })
  const runs: RoomRuns = lazily(
    ['room', 'offer', 'judge', 'consent', 'begin', 'look', 'review', 'approve', 'cancel', 'verify'],
    async () => (await import('./rooms/runs/index.ts')).createRuns(verification),
  )
  const sotto: Sotto = {
    baseURL: `${INNER_ORIGIN}/v1`,
    appURL: APP_ORIGIN,
    fetch,
    fetchLive: verified.fetchLive,
    transcribeLive: (audio, live) => liveTranscriber(sotto)(audio, live),
    rooms: {
      ...contracts,
      runs,
      async open(access) {
        const { openRoom } = await import('./rooms/room/index.ts')
        return openRoom(access, { ...verification, contracts, runs, bundle: () => session.bundle })
      },
    },
    models: { ...models, run: (id, inputs, run) => tensors.run(id, inputs, run) },
    get trust() {
      return session.verdict
    },
    verify: () => session.current().then(() => session.verdict),
    get receipts() {
      return receipts.records
    },
    receiptOf,
    tensors,
  }
  return sotto
}

/**
 * Verifies a service and says how it went, step by step, without connecting. With a nonce the verdict is about evidence that
 * was made for it.
 * @throws `JCS_FIELD` for a malformed nonce; `BUNDLE_UNREACHABLE`, `BUNDLE_INVALID`, `RELAY_URL`, `STORAGE_INVALID`, `POLICY_MALFORMED`; a refusal is a verdict, not an error
 */
export async function checkTrust(relayUrl: string, options: CheckOptions): Promise<Verdict> {
  const source = trustSource(relayUrl, options)
  if (options.nonce !== undefined) {
    source.nonce = nonceDecoder(options.nonce, 'nonce')
    source.trustUrl.searchParams.set('nonce', source.nonce)
  }
  const { verdict } = await checkOnce(source, options.signal)
  return verdict
}

const DEFAULT_GATEWAY = 'inference'

function trustSource(relayUrl: string, options: ConnectOptions): TrustSource {
  return {
    trustUrl: relayAddresses(relayUrl, options.gateway ?? DEFAULT_GATEWAY).trust,
    logUrl: logAddress(relayUrl, options.log),
    policy: options.policy,
    // Browsers refuse `fetch` called as a method of anything but the global object.
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    now: options.now ?? (() => Math.floor(Date.now() / 1000)),
    memory: checkpointMemory(options.storage ?? memoryStorage(), options.policy.log.key),
    onStep: options.onStep,
  }
}
