import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { concat, fromUtf8, toBase64Url } from '@sotto/protocol/bytes'
import { signDsse } from '@sotto/protocol/dsse'
import { encodeDocument, type ReleaseReceipt, releaseRequestDecoder } from '@sotto/protocol/keyrelease'
import { OHTTP_MEDIA_TYPE, OhttpGatewayKey } from '@sotto/protocol/ohttp'
import { spendEnvelope, type SpendRoster } from '@sotto/protocol/spending'
import { formatAuthorization, parseBatchResponse, parseChallenges } from '@sotto/protocol/tokens'
import { startServer } from '@sotto/serve/server'
import { signSoftwareReport } from '@sotto/verifier/software-signer'
import {
  openAccount,
  openTestIssuer,
  order,
  post,
  type TestIssuer,
} from '../../packages/edge/test/issuer/parties.ts'
import { runInference } from '../../packages/enclave/src/roles/run-inference.ts'
import {
  type InnerMessage,
  openAnswer,
  type OpenedAnswer,
  sealedChunks,
} from '../../packages/enclave/test/gateway/parties.ts'
import { EMBED, sealModel } from '../../packages/enclave/test/models/sealed-file.ts'
import { createReleaseWorld, type ReleaseWorld, serveLog } from '../../packages/enclave/test/release/world.ts'
import { SpendingSession, SpentLedger } from '../../packages/kms/src/spent/index.ts'
import { MemoryStore } from '../../packages/kms/test/store/memory.ts'
import { claim } from '../claims.ts'

const ENGINE = fileURLToPath(new URL('../../packages/enclave/src/engines/worker/main.ts', import.meta.url))
const DAY = 86_400

interface House extends ReleaseWorld {
  issuer: TestIssuer
  /** Starts one gateway; gives its address, and what ends it. */
  start(): Promise<{ url: string; end: () => Promise<void> }>
  /** Requests to the KMS about spent tokens. */
  asked: string[]
}

/** Everything around a role with tokens: KMS with its set, log, issuer, behind sockets as in production. */
async function openHouse(): Promise<House> {
  const folder = await mkdtemp(join(tmpdir(), 'sotto-role-'))
  const closers: (() => void | Promise<void>)[] = [() => rm(folder, { recursive: true })]
  onTestFinished(async () => {
    for (const close of closers.reverse()) await close()
  })
  const now = Math.floor(Date.now() / 1000)
  const { artifact, contentKey } = await sealModel(folder, EMBED)
  const setup = await createReleaseWorld({ now })
  const { world, context, dishonesty } = setup
  dishonesty.released = (keys) => ({
    ...keys,
    artifacts: [{ id: artifact.id, contentKey: toBase64Url(contentKey) }],
  })
  const issuer = await openTestIssuer({ log: world.log, now, classes: ['standard'] })
  await issuer.keys.tick()

  let roster: SpendRoster | undefined
  let line: Promise<unknown> = Promise.resolve()
  const session = new SpendingSession({
    genesis: world.genesisDigest,
    ledger: await SpentLedger.open(new MemoryStore()),
    roster: () => roster,
    logRoster: async (document) => void (roster = document),
    verifyReceipt: async (_, gateway) => ({ receiptKey: gateway, notAfter: now + DAY }) as ReleaseReceipt,
    sign: (type, document) => fromUtf8(signDsse(type, encodeDocument(document), [world.signers.kms])),
    change(work) {
      const turn = line.then(work)
      line = turn.catch(() => undefined)
      return turn
    },
    now: () => now,
    monotonic: () => performance.now(),
  })
  const asked: string[] = []
  const kms = await startServer(
    async (request) => {
      const { pathname } = new URL(request.url)
      if (pathname.startsWith('/v1/spend')) asked.push(pathname)
      if (pathname === '/v1/keys') return Response.json(await context.kms.state())
      if (pathname === '/v1/spend-context') return Response.json({ envelope: session.offer() })
      const body: unknown = await request.json()
      if (pathname === '/v1/spend/join')
        return Response.json({ envelope: await session.join(spendEnvelope(body)) })
      if (pathname === '/v1/spend')
        return Response.json({ envelope: await session.spend(spendEnvelope(body)) })
      return Response.json(await context.kms.release(releaseRequestDecoder(body, 'request')))
    },
    { host: '127.0.0.1', port: 0 },
  )
  const log = await startServer((request) => serveLog(world, new URL(request.url).pathname), {
    host: '127.0.0.1',
    port: 0,
  })
  const issuing = await startServer(issuer.app, { host: '127.0.0.1', port: 0 })
  for (const server of [kms, log, issuing]) closers.push(() => server.close())

  const config = JSON.stringify({
    listen: { host: '127.0.0.1', port: 0 },
    kms: { url: kms.url },
    log: { url: log.url },
    policy: world.policy,
    models: { directory: folder, artifacts: [artifact] },
    tokens: {
      issuer: { name: 'issuer.example', url: issuing.url, key: toBase64Url(issuer.publicKey) },
      classes: { standard: { perSecond: 100, burst: 100 } },
    },
  })
  const configPath = join(folder, 'inference.json')
  await writeFile(configPath, config)
  const hostData = createHash('sha256').update(config).digest('hex')
  const collectEvidence = async (
    reportData: Uint8Array,
  ): ReturnType<typeof context.hardware.collectEvidence> => {
    const { measurement } = world.images.inference
    const report = { measurement, hostData, reportData, chipId: new Uint8Array(64) }
    const evidence = toBase64Url(signSoftwareReport(report, world.root.privateKey))
    return [{ family: 'software', evidence, collateral: { root: toBase64Url(world.root.publicKey) } }]
  }

  async function start(): ReturnType<House['start']> {
    const ends: (() => void | Promise<void>)[] = []
    const { promise: ready, resolve } = Promise.withResolvers<string>()
    const running = runInference(
      {
        configPath,
        env: {},
        onShutdown: (close) => void ends.unshift(close),
        ready: (urls) => resolve(urls['http']!),
        stop: () => undefined,
      },
      { ...context.hardware, collectEvidence },
      { sandbox: 'best-effort', unmeasuredEngine: ENGINE },
    )
    const failed = running.then(() => new Promise<never>(() => undefined))
    let isOver = false
    const end = async (): Promise<void> => {
      if (isOver) return
      isOver = true
      for (const close of ends) await close()
    }
    closers.push(end)
    return { url: await Promise.race([ready, failed]), end }
  }
  return { ...setup, issuer, asked, start }
}

async function ask({ privateKey }: House, url: string, message: InnerMessage): Promise<OpenedAnswer> {
  const { sealer, parts } = sealedChunks(
    new OhttpGatewayKey(7, privateKey, [{ kdfId: 1, aeadId: 1 }]),
    message,
  )
  const response = await fetch(`${url}/ohttp`, {
    method: 'POST',
    headers: { 'content-type': OHTTP_MEDIA_TYPE.chunkedRequest },
    body: concat(...parts) as Uint8Array<ArrayBuffer>,
  })
  return openAnswer(response, sealer)
}

const embed = (authorization?: string): InnerMessage => ({
  path: '/v1/embeddings',
  fields: [
    ['date', new Date().toUTCString()],
    ['content-type', 'application/json'],
    ...(authorization === undefined ? [] : [['authorization', authorization] as [string, string]]),
  ],
  body: JSON.stringify({ model: EMBED.id, input: 'two words' }),
})

test(
  claim(
    ['T12', 'T18'],
    'a whole gateway with tokens: bought, spent once at any gateway, valid after a restart',
  ),
  { timeout: 60_000 },
  async () => {
    const house = await openHouse()
    const [one, two] = [await house.start(), await house.start()]
    const refused = await ask(house, one.url, embed())
    expect([refused.status, JSON.parse(refused.text)]).toMatchObject([
      401,
      { error: { code: 'gateway_token_missing' } },
    ])
    const header = refused.headers.get('www-authenticate')!
    expect((await ask(house, two.url, embed())).headers.get('www-authenticate'), 'the same everywhere').toBe(
      header,
    )

    const { challenge } = parseChallenges(header)[0]!
    const { secret } = openAccount(house.issuer, 10)
    const { pending, body } = order(house.issuer.keyOf(), 3, challenge)
    const sold = await house.issuer.app(post(secret, body))
    const signatures = parseBatchResponse(await sold.bytes(), 3)
    const [a, b, c] = pending.map((token, index) => formatAuthorization(token.finish(signatures[index]!)))

    const first = await ask(house, one.url, embed(a))
    expect(first.status, first.text).toBe(200)
    expect(
      first.trailers.map(([name]) => name),
      'with its receipt',
    ).toContain('sotto-receipt')
    expect((await ask(house, two.url, embed(a))).status, 'spent at the other one').toBe(401)
    const race = await Promise.all([ask(house, one.url, embed(b)), ask(house, two.url, embed(b))])
    expect(race.map(({ status }) => status).toSorted()).toEqual([200, 401])

    await one.end()
    const again = await house.start()
    expect((await ask(house, again.url, embed(b))).status).toBe(401)
    expect((await ask(house, again.url, embed(c))).status, 'bought before the restart').toBe(200)
    expect(house.asked.filter((path) => path === '/v1/spend').length).toBeGreaterThanOrEqual(6)
  },
)
