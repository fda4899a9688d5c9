import { fromUtf8 } from '@sotto/protocol/bytes'
import {
  encodeContract,
  type NamedContract,
  parseContract,
  planRun,
  runDigest,
  verifyPartyDocument,
  verifyRunReceipt,
} from '@sotto/protocol/contract'
import type { Digest } from '@sotto/protocol/keyrelease'
import type { OfferedRun, RunView } from '@sotto/protocol/room'
import type { ChargedRun } from '@sotto/protocol/training'
import type { TrustedService, TrustPolicy } from '@sotto/verifier'
import { clientError } from '../../errors.ts'
import { sleep } from '../../sleep.ts'
import { readBounded } from '../../streams.ts'
import { INNER_ORIGIN } from '../../transport/index.ts'
import { foldRoom, joinedMessage, openBoard, type RoomRun } from '../board/index.ts'
import type { Contracts } from '../contracts.ts'
import {
  dataContent,
  inputOf,
  type OpenedOutput,
  openOutput,
  sealData,
  signDataImport,
  signDataStatement,
} from '../data/index.ts'
import { ownNameIn } from '../own-name.ts'
import { roomRefusal } from '../refusal.ts'
import { kmsKeys } from '../runs/kms-keys.ts'
import type { JudgedRun } from '../runs/judge.ts'
import type { RoomRuns } from '../runs/runs.ts'
import { statedIn } from '../stated-in.ts'
import { type RunProof, runProof } from './proof.ts'
import type { FollowOptions, Room, RoomMember } from './types.ts'

/** What {@link openRoom} needs of a connection. */
export interface RoomConnection {
  fetch: typeof globalThis.fetch
  service: () => Promise<TrustedService>
  policy: TrustPolicy
  /** Unix seconds. */
  now: () => number
  contracts: Contracts
  runs: RoomRuns
  /** The bundle that the verdict in force is about. */
  bundle: () => Uint8Array
}

/** What somebody told of a run, every statement of it verified. */
interface Verified {
  view: RunView
  judged: JudgedRun
}

const POLL_MS = 500
const MAX_REFUSAL_BYTES = 65_536

/** One after the other: outputs may be large, and each is held whole. */
async function inOrder<T, R>(items: readonly T[], use: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (const item of items) results.push(await use(item))
  return results
}

/** A room through a connection. Nothing is sent yet. */
export function openRoom(
  { secret, party, name, pollMs = POLL_MS }: RoomMember,
  connection: RoomConnection,
): Room {
  const { fetch, service, policy, now, contracts, runs, bundle } = connection
  const board = openBoard(secret, { fetch })
  const acting = (signal?: AbortSignal) => ({ party, ...(signal && { signal }) })

  async function importKey(artifact: string, body: string, signal?: AbortSignal): Promise<void> {
    const response = await fetch(`${INNER_ORIGIN}/v1/rooms/keys/${artifact}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      ...(signal && { signal }),
    })
    const bytes = await readBounded(response.body as ReadableStream<Uint8Array> | null, MAX_REFUSAL_BYTES)
    if (!response.ok) throw roomRefusal('KMS', bytes, response.status)
  }

  async function consentTo(named: NamedContract, offered: OfferedRun): Promise<void> {
    const envelope = await runs.consent(named, offered, acting())
    await board.post({ kind: 'consented', at: now(), run: runDigest(offered.offer), envelope })
  }

  const post = (view: RunView): Promise<number> => board.post({ kind: 'view', at: now(), view })

  async function follow(
    named: NamedContract,
    run: Digest,
    { onView, signal }: FollowOptions = {},
  ): Promise<RunView> {
    for (;;) {
      const view = await runs.look(named, run, acting(signal))
      onView?.(view)
      if (view.state !== 'running') return view
      await sleep(pollMs, signal)
    }
  }

  /** Others learn from the board how it ended: only who asks the room knows else. */
  async function followAndPost(named: NamedContract, run: Digest, options?: FollowOptions): Promise<RunView> {
    const view = await follow(named, run, options)
    await post(view)
    return view
  }

  /**
   * What members told of a run, the first that `use` takes: any member can post any view, and one that does not verify must
   * not hide one that does.
   */
  async function firstOf<T>({ views }: RoomRun, use: (view: RunView) => Promise<T>): Promise<T> {
    let failure: unknown = clientError('ROOM_OFFER', 'nobody has told yet how this run ended', {
      hint: 'Whoever began it tells the others when it has ended.',
    })
    for (const { view } of views)
      try {
        return await use(view)
      } catch (error) {
        // What does not verify says no more than that; a connection that fails says nothing about a view.
        if ((error as { action?: string }).action === 'retry') throw error
        failure = error
      }
    throw failure
  }

  function verified(named: NamedContract, run: RoomRun): Promise<Verified> {
    return firstOf(run, async (view) => ({ view, judged: await runs.verify(named, run.offered, view) }))
  }

  function openAll(
    envelopes: readonly string[],
    own: string,
    of: { run: Digest; receiptKey: string },
  ): Promise<OpenedOutput[]> {
    return inOrder(envelopes, (envelope) => openOutput(envelope, board.reader, party, own, of))
  }

  /** What is sealed to this party of a run that was verified. */
  function openOwn(
    named: NamedContract,
    { run, offered }: RoomRun,
    { view, judged }: Verified,
  ): Promise<OpenedOutput[]> {
    const own = ownName(named)
    const mine = view.outputs.filter((_, at) => judged.outputs[at]!.keys.some((key) => key.party === own))
    return openAll(mine, own, { run, receiptKey: offered.offer.receiptKey })
  }

  /** The run that this one goes on with, by the word of the KMS; undefined: there is none, or nobody tells it. */
  async function chargedBefore({ offered }: RoomRun): Promise<ChargedRun | undefined> {
    const { resumes } = offered.offer
    const earlier = resumes === undefined ? undefined : (await room.state()).runs.get(resumes)
    if (earlier === undefined) return undefined
    const { offer } = earlier.offered
    try {
      return await firstOf(earlier, async (view) => {
        const { receipt, bundles } = view
        if (receipt === undefined) throw clientError('ROOM_OFFER', 'nothing says that this run was charged')
        verifyRunReceipt(receipt, { ...offer, run: earlier.run }, kmsKeys(view, await service(), policy))
        return { offer, receipt, ...(bundles !== undefined && { bundles }) }
      })
    } catch (error) {
      if ((error as { action?: string }).action === 'retry') throw error
      return undefined
    }
  }

  const proofOf = (named: NamedContract, { offered }: RoomRun, view: RunView): RunProof =>
    runProof(named, { offered, view, at: now() }, bundle())

  const room: Room = {
    create: async () => board.create(party, { genesis: (await service()).genesis, now: now() }),
    async join() {
      await board.post(joinedMessage(party, name, { board: secret.board, at: now() }))
    },
    state: async () => foldRoom(await board.entries()),
    async propose(contract) {
      const text = encodeContract(contract)
      const named = parseContract(text)
      await board.post({ kind: 'proposed', at: now(), contract: fromUtf8(text) })
      return named
    },
    accept: (named) => contracts.accept(named, acting()),
    view: (named) => contracts.show(named, acting()),
    async add(named, { input, files, options, onPrepared, transfer, signal }) {
      // Before the files are read, which may take an hour.
      const agreed = inputOf(named, input, party)
      const content = await dataContent(agreed.kind, files, {
        party,
        contract: named.contract,
        ...(agreed.columns && { columns: agreed.columns }),
        ...options,
        ...(onPrepared && { onBytes: onPrepared }),
        ...(signal && { signal }),
      })
      const before = statedIn(await contracts.show(named, acting(signal)), named, input)
      const isSame = before?.content === content.digest
      const version = isSame ? before.version : (before?.version ?? 0) + 1
      const sealed = await sealData(content, party, {
        named,
        input,
        version,
        ...(onPrepared && { onBytes: onPrepared }),
        ...(signal && { signal }),
      })
      // Also where all was said before: whoever keeps the board may have lost the file.
      await board.upload(sealed, { ...transfer, ...(signal && { signal }) })
      if (isSame && before.sealed === sealed.digest) return before
      // An upload takes a while: the key goes to a KMS that was verified just now.
      await importKey(sealed.id, signDataImport(sealed, party, await service(), now()), signal)
      const envelope = signDataStatement(sealed, party, now())
      await contracts.state(named, envelope, acting(signal))
      return verifyPartyDocument('data', envelope, named).document
    },
    async ask(named, { note, ...asked }) {
      const { data } = await contracts.show(named, acting())
      const files = { board: secret.board, token: secret.token }
      const offered = await runs.offer(named, { ...asked, data, files }, acting())
      await board.post({ kind: 'offered', at: now(), offered, by: name, ...(note !== undefined && { note }) })
      const { owners } = planRun(named.contract, asked.transform)
      const own = ownNameIn(named.contract, party.key)
      if (own !== undefined && owners.includes(own)) await consentTo(named, offered)
      const run = (await room.state()).runs.get(runDigest(offered.offer))
      if (run !== undefined) return run
      throw clientError('ROOM_BOARD', 'the board does not show the run that was just brought there')
    },
    judge: (named, { offered }) => runs.judge(named, offered),
    consent: (named, { offered }) => consentTo(named, offered),
    async decline({ run }, reason) {
      await board.post({
        kind: 'declined',
        at: now(),
        run,
        party: name,
        ...(reason !== undefined && { reason }),
      })
    },
    async begin(named, { offered, run, consents }, options) {
      const envelopes = [...consents.values()].map(({ envelope }) => envelope)
      await runs.begin(named, offered, envelopes, acting(options?.signal))
      return followAndPost(named, run, options)
    },
    follow,
    async tell(view) {
      await post(view)
    },
    async cancel(named, run) {
      const view = await runs.cancel(named, run, acting())
      await post(view)
      return view
    },
    async review(named, run) {
      const { offer } = run.offered
      return firstOf(run, async (view) => {
        const { review, receipt } = view
        // Without the word of the KMS anybody could show this owner anything.
        if (receipt === undefined || review.length === 0)
          throw clientError(
            'ROOM_OFFER',
            'nothing says that the KMS let this room have the run, and what it made',
          )
        verifyRunReceipt(receipt, { ...offer, run: run.run }, kmsKeys(view, await service(), policy))
        return openAll(review, ownName(named), { run: run.run, receiptKey: offer.receiptKey })
      })
    },
    async decide(named, { run }, outputs, verdict) {
      for (const { name: output, stated } of outputs) {
        const about = { run, output, digest: stated.digest, verdict }
        const envelope = await runs.review(named, about, acting())
        await board.post({ kind: 'approved', at: now(), run, envelope })
      }
    },
    async release(named, { run, offered, approvals }, options) {
      const { reviewers } = planRun(named.contract, offered.offer.transform)
      // What others say of an output would only have the room refuse.
      const envelopes = approvals
        .filter(({ approval }) => reviewers.includes(approval.party))
        .map(({ envelope }) => envelope)
      await runs.approve(named, run, envelopes, acting(options?.signal))
      return followAndPost(named, run, options)
    },
    async results(named, run) {
      const found = await verified(named, run)
      const outputs = await openOwn(named, run, found)
      const charged = await chargedBefore(run)
      return { outputs, proof: proofOf(named, run, found.view), ...(charged && { charged }) }
    },
    outputs: async (named, run) => openOwn(named, run, await verified(named, run)),
    proof: async (named, run) => proofOf(named, run, (await verified(named, run)).view),
    close: (named) => contracts.close(named, acting()),
  }
  return room

  function ownName({ contract }: NamedContract): string {
    return ownNameIn(contract, party.key) ?? name
  }
}
