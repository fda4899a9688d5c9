import { fromUtf8, toHex } from '@sotto/protocol/bytes'
import {
  type Argument,
  encodeContract,
  type Name,
  type NamedContract,
  type OutputApproval,
  planRun,
} from '@sotto/protocol/contract'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { Digest } from '@sotto/protocol/keyrelease'
import {
  type BoardAccess,
  type OfferedRun,
  offeredRunDecoder,
  type RunCheckpoint,
  type RunView,
  runViewDecoder,
} from '@sotto/protocol/room'
import type { VerifiedRoom } from '@sotto/verifier/room'
import { clientError } from '../../errors.ts'
import type { Acting } from '../contracts.ts'
import { signAs } from '../sign-as.ts'
import { type JudgedOffer, type JudgedRun, judgeOffer, judgeRun, requireOffered } from './judge.ts'
import { kmsKeys } from './kms-keys.ts'
import { createRoomCalls, type RoomCallsOptions } from './room-calls.ts'

/** A run that somebody wants. */
export interface WantedRun {
  transform: Name
  /** With a task of queries: which one. */
  template?: Name
  arguments?: Argument[]
  /** Of a training: the run that it goes on with, and from which state. Without a state, from the beginning. */
  resumes?: Digest
  checkpoint?: RunCheckpoint
  /** Envelopes of the statements about inputs, in any order: those that the KMS shows. */
  data: readonly { input: Name; envelope: string }[]
  /** Where the sealed files are. */
  files: BoardAccess
}

/** Runs of contracts in a room. */
export interface RoomRuns {
  /** The room of this service, verified now. @throws `ROOM_OFFER`, `ROOM_REFUSED`, `ROOM_UNAVAILABLE` */
  room(signal?: AbortSignal): Promise<VerifiedRoom>
  /** Asks the room for a run, and judges what it offers. @throws as {@link RoomRuns.judge} */
  offer(contract: NamedContract, wanted: WantedRun, acting: Acting): Promise<OfferedRun>
  /** Judges what a room offered, as every party does. @throws `ROOM_OFFER`; `CONTRACT_OTHER`, `CONTRACT_RUN`, `CONTRACT_EXPIRED` */
  judge(contract: NamedContract, offered: OfferedRun): Promise<JudgedOffer>
  /** Judges, and then consents: the envelope. @throws as {@link RoomRuns.judge} */
  consent(contract: NamedContract, offered: OfferedRun, acting: Acting): Promise<string>
  /** Begins a run. The same again changes nothing. @throws `ROOM_OFFER`, `ROOM_REFUSED`, `ROOM_UNAVAILABLE` */
  begin(contract: NamedContract, offered: OfferedRun, consents: string[], acting: Acting): Promise<RunView>
  /** Where it stands. @throws as {@link RoomRuns.begin} */
  look(contract: NamedContract, run: Digest, acting: Acting): Promise<RunView>
  /** Signs what a party says of an output that it looked at. */
  review(
    contract: NamedContract,
    about: { run: Digest; output: Name; digest: Digest; verdict: OutputApproval['verdict'] },
    acting: Acting,
  ): Promise<string>
  /** Brings approvals; with the last of them the result leaves. @throws as {@link RoomRuns.begin} */
  approve(contract: NamedContract, run: Digest, approvals: string[], acting: Acting): Promise<RunView>
  /** Ends a run. @throws as {@link RoomRuns.begin} */
  cancel(contract: NamedContract, run: Digest, acting: Acting): Promise<RunView>
  /** Judges what is said of a run that is done. @throws `ROOM_OFFER`; codes of contracts and rooms */
  verify(contract: NamedContract, offered: OfferedRun, view: RunView): Promise<JudgedRun>
}

/** Runs through a connection. */
export function createRuns(options: RoomCallsOptions): RoomRuns {
  const { service, policy, now } = options
  const calls = createRoomCalls(options)

  const judge: RoomRuns['judge'] = async (named, offered) =>
    judgeOffer(named, offered, { service: await service(), policy, now: now() })

  async function askAbout(
    call: 'look' | 'cancel',
    named: NamedContract,
    run: Digest,
    acting: Acting,
  ): Promise<RunView> {
    const inquiry = signAs('inquiry', named, acting.party, now())
    return ofThis(await calls.ask({ call, run, inquiry }, runViewDecoder, { signal: acting.signal }), run)
  }

  return {
    room: (signal) => calls.room(signal),
    judge,
    async offer(named, wanted, acting) {
      const { transform, template, arguments: given = [], resumes, checkpoint, data, files } = wanted
      const ordered = named.contract.inputs.flatMap(({ name, uses }) =>
        uses.some((use) => use.transform === transform) ? data.filter(({ input }) => input === name) : [],
      )
      const offered = await calls.ask(
        {
          call: 'offer',
          nonce: toHex(crypto.randomBytes(16)),
          contract: fromUtf8(encodeContract(named.contract)),
          inquiry: signAs('inquiry', named, acting.party, now()),
          transform,
          ...(template !== undefined && { template }),
          arguments: given,
          data: ordered.map(({ envelope }) => envelope),
          files,
          ...(resumes !== undefined && { resumes }),
          ...(checkpoint && { checkpoint }),
        },
        offeredRunDecoder,
        { signal: acting.signal, images: planRun(named.contract, transform).room },
      )
      const { offer } = offered
      const isAsked =
        offer.transform === transform &&
        offer.template === template &&
        // One that went on with another run would take nothing of a budget, and leave the other without a result.
        offer.resumes === resumes &&
        JSON.stringify(offer.arguments) === JSON.stringify(given)
      if (!isAsked) throw clientError('ROOM_OFFER', 'the room offers another run than it was asked for')
      await judge(named, offered)
      return offered
    },
    async consent(named, offered, acting) {
      const { run } = await judge(named, offered)
      return signAs('consent', named, acting.party, now(), { run })
    },
    async begin(named, offered, consents, acting) {
      const { run } = await judge(named, offered)
      const inquiry = signAs('inquiry', named, acting.party, now())
      return ofThis(
        await calls.ask({ call: 'begin', run, inquiry, consents }, runViewDecoder, { signal: acting.signal }),
        run,
      )
    },
    look: (named, run, acting) => askAbout('look', named, run, acting),
    cancel: (named, run, acting) => askAbout('cancel', named, run, acting),
    review: async (named, about, acting) => signAs('approval', named, acting.party, now(), about),
    async approve(named, run, approvals, acting) {
      const inquiry = signAs('inquiry', named, acting.party, now())
      return ofThis(
        await calls.ask({ call: 'approve', run, inquiry, approvals }, runViewDecoder, {
          signal: acting.signal,
        }),
        run,
      )
    },
    async verify(named, offered, view) {
      const judged = judgeRun(named, offered, view, kmsKeys(view, await service(), policy))
      requireOffered(named, offered, judged)
      return judged
    },
  }
}

function ofThis(view: RunView, run: Digest): RunView {
  if (view.run === run) return view
  throw clientError('ROOM_UNAVAILABLE', 'the room answered about another run')
}
