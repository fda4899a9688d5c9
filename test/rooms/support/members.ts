import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createContracts,
  createRuns,
  callSender,
  newRoomSecret,
  openRoom,
  type Room,
  type RoomParty,
  type RoomSecret,
} from '@sotto/client/rooms'
import type { Contract } from '@sotto/protocol/contract'
import { encodeTrustBundle } from '@sotto/protocol/evidence'
import type { TrustedService } from '@sotto/verifier'
import { openRooms, type RunningRooms } from '../../../packages/edge/src/rooms/index.ts'
import { createRoomRoutes } from '../../../packages/enclave/src/api/rooms/index.ts'
import { createBoardFiles } from '../../../packages/enclave/src/room/index.ts'
import { bundleOf, judge, trustPolicyOf } from '../../../packages/kms/test/client.ts'
import { RoomLab } from './room-lab.ts'

/** Members of one room over a real board, with everything between them but processes and encryption to the gateway. */
export class Members {
  readonly lab: RoomLab
  readonly boards: RunningRooms
  readonly secret: RoomSecret = newRoomSecret()
  readonly folder: string
  /** Everything that passes the gateway, in clear inside its encryption: what the board and those behind it see. */
  readonly passed: Uint8Array[] = []
  /** What the room brought to the board. */
  readonly written: readonly Uint8Array[]
  /** Told of each request of a member; what it returns is answered instead. */
  intercept: ((request: Request) => Response | undefined) | undefined

  private constructor(lab: RoomLab, boards: RunningRooms, folder: string, written: readonly Uint8Array[]) {
    this.lab = lab
    this.written = written
    this.boards = boards
    this.folder = folder
  }

  static async open(change?: (contract: Contract) => Partial<Contract>): Promise<Members> {
    const folder = mkdtempSync(join(tmpdir(), 'sotto-members-'))
    const owners = join(folder, 'owners.json')
    const reach: { app?: (request: Request) => Response | Promise<Response> } = {}
    const written: Uint8Array[] = []
    const files = createBoardFiles('http://board.test', async (input, init) => {
      if (init?.body instanceof Uint8Array) written.push(init.body)
      return reach.app!(new Request(input, init))
    })
    const lab = await RoomLab.open(change, {}, files)
    const boards = openRooms({
      store: join(folder, 'boards'),
      genesis: lab.world.genesis,
      owners,
      uploadRestSeconds: 86_400,
      restSeconds: 86_400,
      maxBoards: 4,
      now: () => lab.world.now,
    })
    reach.app = boards.app
    const keys = lab.world.contract.parties.map(({ key }) => key)
    writeFileSync(owners, JSON.stringify({ owners: keys.map((key) => ({ key, models: 1, bytes: 1e9 })) }))
    return new Members(lab, boards, folder, written)
  }

  async close(): Promise<void> {
    this.boards.close()
    await this.lab.close()
    rmSync(this.folder, { recursive: true })
  }

  /** The deployment as a client verified it just now. */
  async service(): Promise<TrustedService> {
    await this.lab.attest()
    const { service, refusing } = judge(this.lab.world, await bundleOf(this.lab.world))
    if (service === undefined) throw new Error(refusing.join())
    return service
  }

  /** A member of the room, with its own connection. */
  async member(party: RoomParty, name: string): Promise<Room> {
    const { lab } = this
    const routes = createRoomRoutes({
      kmsUrls: ['http://kms.test'],
      boardUrl: 'http://board.test',
      roomUrl: 'http://room.test',
      fetch: async (input, init) => {
        const request = new Request(input, { ...init, ...(init?.body && { duplex: 'half' }) } as RequestInit)
        const { host } = new URL(request.url)
        if (host === 'kms.test') return lab.world.app(request)
        return host === 'board.test' ? this.boards.app(request) : lab.app(request)
      },
    })
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const request = new Request(input, init)
      if (init?.body instanceof Uint8Array) this.passed.push(init.body)
      const answered = this.intercept?.(request)
      if (answered !== undefined) return answered
      return routes(request, new URL(request.url).pathname.slice('/v1/rooms'.length))
    }
    const service = () => this.service()
    const now = () => lab.world.now
    const policy = trustPolicyOf(lab.world)
    const contracts = createContracts({ send: callSender(fetch), service, now })
    const runs = createRuns({ fetch, service, policy, now })
    const bundle = encodeTrustBundle(await bundleOf(lab.world))
    return openRoom(
      { secret: this.secret, party, name, pollMs: 20 },
      { fetch, service, policy, now, contracts, runs, bundle: () => bundle },
    )
  }
}
