import type { Room, RoomRun } from '@sotto/client/rooms'
import type { NamedContract } from '@sotto/protocol/contract'
import type { RunView } from '@sotto/protocol/room'
import { Members } from '../../support/members.ts'
import { bank, type RoomLab, shop } from '../../support/room-lab.ts'
import { CANARIES, LETTERS } from './canaries.ts'
import { type Mark, markOf } from './mark.ts'
import { lettersContract, MODEL } from './room-scene.ts'

/** Two members of a room with two runs that are done, whom somebody now tells something else. */
export class PartyScene {
  readonly members: Members
  readonly atBank: Room
  readonly atShop: Room
  readonly named: NamedContract
  /** Runs that are done. */
  readonly first: RoomRun
  readonly second: RoomRun

  private constructor(members: Members, rooms: [Room, Room], named: NamedContract, runs: [RoomRun, RoomRun]) {
    this.members = members
    ;[this.atBank, this.atShop] = rooms
    this.named = named
    ;[this.first, this.second] = runs
  }

  static async open(): Promise<PartyScene> {
    const members = await Members.open(lettersContract)
    const atBank = await members.member(bank, 'bank')
    const atShop = await members.member(shop, 'shop')
    await atBank.create()
    await atBank.join()
    await atShop.join()
    const named = await atBank.propose(members.lab.world.contract)
    await atBank.accept(named)
    await atShop.accept(named)
    const letters = Object.fromEntries(LETTERS.map((text, at) => [`letter-${at}.txt`, new Blob([text])]))
    await atBank.add(named, { input: 'letters', files: letters })
    await atShop.add(named, { input: 'model', files: modelFiles() })
    const first = await doneRun(named, atBank, atShop)
    const second = await doneRun(named, atBank, atShop)
    return new PartyScene(members, [atBank, atShop], named, [first, second])
  }

  get lab(): RoomLab {
    return this.members.lab
  }

  get written(): readonly Uint8Array[] {
    return this.members.written
  }

  mark(): Mark {
    return markOf(this.lab, this.written)
  }

  async restore(): Promise<void> {
    this.members.intercept = undefined
    this.lab.restart()
  }

  close(): Promise<void> {
    return this.members.close()
  }

  /** Puts sealed bytes on the board, as whoever has its token can. @returns their index */
  async post(sealed: Uint8Array): Promise<number> {
    const { board, token } = this.members.secret
    const response = await this.members.boards.app(
      new Request(`http://board.test/v1/boards/${board}/messages`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' },
        body: sealed as Uint8Array<ArrayBuffer>,
      }),
    )
    return ((await response.json()) as { index: number }).index
  }

  /** The second run, as a member tells it who says something else of how it ended. */
  told(change: Partial<RunView>): RoomRun {
    const [posted] = this.second.views
    return { ...this.second, views: [{ ...posted!, view: { ...posted!.view, ...change } }] }
  }
}

async function doneRun(named: NamedContract, atBank: Room, atShop: Room): Promise<RoomRun> {
  const { run } = await atShop.ask(named, { transform: 'summary', note: `about ${CANARIES.letter}` })
  await atBank.consent(named, (await atBank.state()).runs.get(run)!)
  const view = await atShop.begin(named, (await atShop.state()).runs.get(run)!)
  if (view.state !== 'done') throw new Error(JSON.stringify(view))
  return (await atBank.state()).runs.get(run)!
}

function modelFiles(): Record<string, Blob> {
  const files = MODEL.manifest.files.map(
    ({ name }, at) => [name, new Blob([MODEL.files[at] as Uint8Array<ArrayBuffer>])] as const,
  )
  return { 'manifest.json': new Blob([JSON.stringify(MODEL.manifest)]), ...Object.fromEntries(files) }
}
