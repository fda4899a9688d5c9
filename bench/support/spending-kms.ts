/**
 * The spent set of a KMS as a process of its own: session, sealed SQLite store and HTTP as they are, without evidence
 * and log. Sends its address and statement key to its parent; `/cpu` answers the processor time so far, microseconds,
 * `/commits` how long each commit took, milliseconds, `/echo` what it was sent.
 */
import { join } from 'node:path'
import { fromUtf8, toBase64Url } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { prepareSigner, signDsse } from '@sotto/protocol/dsse'
import { encodeDocument, type ReleaseReceipt } from '@sotto/protocol/keyrelease'
import { spendEnvelope, type SpendRoster } from '@sotto/protocol/spending'
import { startServer } from '@sotto/serve/server'
import { SPENT_TABLE, SpendingSession, SpentLedger, splitStore } from '../../packages/kms/src/spent/index.ts'
import { openSqliteStore, SqliteStore } from '../../packages/kms/src/store/index.ts'

const [, , folder] = process.argv
const now = (): number => 1_800_000_000
const { seed, publicKey } = crypto.ed25519.generate()
const signer = prepareSigner({ secretSeed: seed, publicKey })
const store = openSqliteStore({ path: join(folder!, 'kms.sqlite'), sealingKey: crypto.randomBytes(32) })
const commits: number[] = []
const timed: typeof store.commit = async (...changes) => {
  const start = performance.now()
  await SqliteStore.prototype.commit.apply(store, changes)
  commits.push(performance.now() - start)
}
store.commit = timed
let roster: SpendRoster | undefined
const session = new SpendingSession({
  genesis: 'ab'.repeat(32),
  ledger: await SpentLedger.open(splitStore(store, SPENT_TABLE).own),
  roster: () => roster,
  logRoster: async (document) => void (roster = document),
  verifyReceipt: async (_, gateway) => ({ receiptKey: gateway, notAfter: now() + 86_400 }) as ReleaseReceipt,
  sign: (type, document) => fromUtf8(signDsse(type, encodeDocument(document), [signer])),
  change: (work) => work(),
  now,
  monotonic: () => performance.now(),
})
const server = await startServer(
  async (request) => {
    const { pathname } = new URL(request.url)
    if (pathname === '/cpu') return Response.json(process.cpuUsage())
    if (pathname === '/v1/spend-context') return Response.json({ envelope: session.offer() })
    if (pathname === '/commits') return Response.json(commits)
    if (pathname === '/echo') return Response.json(await request.json())
    const envelope = spendEnvelope(await request.json())
    const answer = pathname === '/v1/spend' ? session.spend(envelope) : session.join(envelope)
    return Response.json({ envelope: await answer })
  },
  { host: '127.0.0.1', port: 0 },
)
process.on('disconnect', () => process.exit(0))
process.send!({ url: server.url, key: toBase64Url(publicKey) })
