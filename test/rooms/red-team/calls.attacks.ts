import { fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { type InferTask, runDigest, type Task } from '@sotto/protocol/contract'
import { WRAP_SUITE } from '@sotto/protocol/keyrelease'
import { sealCall } from '@sotto/protocol/sealed-call'
import type { RoomAttack } from './support/attack.ts'
import { MALLORY, type RoomScene } from './support/room-scene.ts'

const MINUTES = 60

interface Answer {
  error?: { code: string; message: string }
}

/** A call as somebody else seals it, and as the network has it. */
function sealedText(scene: RoomScene, text: string, key: Uint8Array = scene.lab.callKey.publicKey) {
  return sealCall(toBase64Url(key), utf8(text))
}

/** Sends bytes to the room. @returns what the answer says, opened where it is sealed */
async function send(scene: RoomScene, call: ReturnType<typeof sealCall>): Promise<Answer> {
  const body = call.bytes as Uint8Array<ArrayBuffer>
  const response = await scene.lab.app(new Request('http://room.test/v1/runs', { method: 'POST', body }))
  const bytes = new Uint8Array(await response.arrayBuffer())
  const answer = JSON.parse(fromUtf8(response.ok ? call.open(bytes) : bytes)) as Answer
  if (answer.error !== undefined) throw Object.assign(new Error(answer.error.message), answer.error)
  return answer
}

/** The network sends a call again, whose answer it cannot read. */
async function replay({ lab }: RoomScene, { bytes }: ReturnType<typeof sealCall>): Promise<void> {
  const body = bytes as Uint8Array<ArrayBuffer>
  const { status } = await lab.app(new Request('http://room.test/v1/runs', { method: 'POST', body }))
  if (status !== 200) throw new Error(`the room answered ${status}`)
}

const sendText = (scene: RoomScene, text: string): Promise<Answer> => send(scene, sealedText(scene, text))

function inquiry({ lab: { world } }: RoomScene, at: number = world.now): string {
  return world.signed('inquiry', 'shop', { at })
}

/** Asks for a task whose step reads what the model made of the letters. */
async function afterSummaries(scene: RoomScene, task: Task): Promise<unknown> {
  const { inputs, transforms, outputs } = scene.lab.world.contract
  const [summary] = transforms
  const uses = ['summary', 'last'].map((transform) => ({ transform, runs: 1 }))
  const reads = task.kind === 'infer' ? ['summary', 'model'] : ['summary']
  await scene.draft({
    inputs: inputs.map((input) => ({ ...input, uses })),
    transforms: [summary!, { ...summary!, name: 'last', reads, task }],
    outputs: outputs.map((output) => ({ ...output, from: 'last' })),
  })
  return scene.offer({
    transform: 'last',
    data: scene.statements(),
    ...(task.kind === 'sql' && { template: 'count' }),
  })
}

/** Calls to a room that no party makes. */
export const CALL_ATTACKS: readonly RoomAttack[] = [
  {
    name: 'a call that is sealed to another room',
    does: (scene) =>
      send(scene, sealedText(scene, JSON.stringify({ call: 'look' }), WRAP_SUITE.kem.generate().publicKey)),
    refusedWith: 'ROOM_CALL',
    seenBy: 'room',
  },
  {
    name: 'a call that the network kept until the room had started again',
    async does(scene) {
      const { offer } = await scene.offer()
      const look = { call: 'look', run: runDigest(offer), inquiry: inquiry(scene) }
      const kept = sealedText(scene, JSON.stringify(look))
      scene.lab.restart()
      return send(scene, kept)
    },
    refusedWith: 'ROOM_CALL',
    seenBy: 'room',
  },
  {
    name: 'the network changes a sealed call',
    async does(scene) {
      const call = sealedText(scene, '{}')
      call.bytes[call.bytes.length - 1]! ^= 1
      return send(scene, call)
    },
    refusedWith: 'ROOM_CALL',
    seenBy: 'room',
  },
  {
    name: 'the network replays the beginning of a run at once',
    async does(scene) {
      scene.board.files.clear()
      const offered = await scene.offer()
      const run = runDigest(offered.offer)
      const begin = { call: 'begin', run, inquiry: inquiry(scene), consents: scene.lab.consents(offered) }
      const call = sealedText(scene, JSON.stringify(begin))
      await Promise.all([replay(scene, call), replay(scene, call), replay(scene, call)])
      await scene.lab.settled(run)
      await replay(scene, call)
      return scene.lab.look(run)
    },
    refusedWith: 'ROOM_FILES',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'the network replays the beginning of a run after some minutes',
    async does(scene) {
      scene.board.files.clear()
      const offered = await scene.offer()
      const run = runDigest(offered.offer)
      const begin = { call: 'begin', run, inquiry: inquiry(scene), consents: scene.lab.consents(offered) }
      const call = sealedText(scene, JSON.stringify(begin))
      await replay(scene, call)
      await scene.lab.settled(run)
      scene.lab.world.now += 6 * MINUTES
      await replay(scene, call)
      return scene.lab.refused.at(-1)
    },
    refusedWith: 'ROOM_INQUIRY',
    seenBy: 'room',
    spends: 1,
  },
  {
    name: 'the network begins a run again that was cancelled',
    async does(scene) {
      const offered = await scene.offer()
      const run = runDigest(offered.offer)
      const begin = { call: 'begin', run, inquiry: inquiry(scene), consents: scene.lab.consents(offered) }
      const call = sealedText(scene, JSON.stringify(begin))
      await scene.lab.ask({ call: 'cancel', run, inquiry: inquiry(scene) })
      await replay(scene, call)
      return scene.lab.look(run)
    },
    refusedWith: 'none: the run is cancelled',
    seenBy: 'party',
  },
  {
    name: 'a stranger looks at a run',
    async does(scene) {
      const { offer } = await scene.offer()
      const stranger = scene.lab.world.signed('inquiry', 'shop', {}, MALLORY)
      return scene.lab.ask({ call: 'look', run: runDigest(offer), inquiry: stranger })
    },
    refusedWith: 'ROOM_INQUIRY',
    seenBy: 'room',
  },
  {
    name: 'a stranger cancels a run',
    async does(scene) {
      const { offer } = await scene.offer()
      const stranger = scene.lab.world.signed('inquiry', 'shop', {}, MALLORY)
      return scene.lab.ask({ call: 'cancel', run: runDigest(offer), inquiry: stranger })
    },
    refusedWith: 'ROOM_INQUIRY',
    seenBy: 'room',
  },
  {
    name: 'a stranger asks for a run',
    does: (scene) => scene.offer({ inquiry: scene.lab.world.signed('inquiry', 'press', {}, MALLORY) }),
    refusedWith: 'ROOM_INQUIRY',
    seenBy: 'room',
  },
  {
    name: 'a party of another contract looks at a run',
    async does(scene) {
      const { offer } = await scene.offer()
      await scene.draft()
      return scene.lab.ask({ call: 'look', run: runDigest(offer), inquiry: inquiry(scene) })
    },
    refusedWith: 'ROOM_INQUIRY',
    seenBy: 'room',
  },
  {
    name: 'an inquiry of some minutes ago',
    async does(scene) {
      const { offer } = await scene.offer()
      const old = inquiry(scene, scene.lab.world.now - 301)
      return scene.lab.ask({ call: 'look', run: runDigest(offer), inquiry: old })
    },
    refusedWith: 'ROOM_INQUIRY',
    seenBy: 'room',
  },
  {
    name: 'an inquiry of some minutes from now',
    async does(scene) {
      const { offer } = await scene.offer()
      const early = inquiry(scene, scene.lab.world.now + 301)
      return scene.lab.ask({ call: 'look', run: runDigest(offer), inquiry: early })
    },
    refusedWith: 'ROOM_INQUIRY',
    seenBy: 'room',
  },
  {
    name: 'a consent is passed off as an inquiry',
    async does(scene) {
      const offered = await scene.offer()
      const [consent] = scene.lab.consents(offered)
      return scene.lab.ask({ call: 'look', run: runDigest(offered.offer), inquiry: consent! })
    },
    refusedWith: 'ROOM_INQUIRY',
    seenBy: 'room',
  },
  {
    name: 'the digest of a run is guessed',
    does: (scene) => scene.lab.ask({ call: 'look', run: '88'.repeat(32), inquiry: inquiry(scene) }),
    refusedWith: 'ROOM_RUN_UNKNOWN',
    seenBy: 'room',
  },
  {
    name: 'a call that rooms do not have',
    does: (scene) => sendText(scene, '{"call":"keys"}'),
    refusedWith: 'ROOM_CALL',
    seenBy: 'room',
  },
  {
    name: 'a call by the name of something that every object has',
    does: (scene) => sendText(scene, '{"call":"constructor"}'),
    refusedWith: 'ROOM_CALL',
    seenBy: 'room',
  },
  {
    name: 'a call with a prototype of its own',
    does: (scene) => sendText(scene, '{"__proto__":{"call":"look"}}'),
    refusedWith: 'ROOM_CALL',
    seenBy: 'room',
  },
  {
    name: 'a call that names a member twice',
    does: (scene) => sendText(scene, '{"call":"look","call":"cancel"}'),
    refusedWith: 'ROOM_CALL',
    seenBy: 'room',
  },
  {
    name: 'JSON that is a hundred thousand levels deep',
    does: (scene) => sendText(scene, `${'['.repeat(100_000)}${']'.repeat(100_000)}`),
    refusedWith: 'ROOM_CALL',
    seenBy: 'room',
  },
  {
    name: 'a call that is larger than any call',
    does: (scene) => sendText(scene, `{"call":"${'a'.repeat(6_400_000)}"}`),
    refusedWith: 'HTTP_BODY_TOO_LARGE',
    seenBy: 'room',
  },
  {
    name: 'a call that is no UTF-8',
    does(scene) {
      const key = toBase64Url(scene.lab.callKey.publicKey)
      return send(scene, sealCall(key, Uint8Array.of(0x7b, 0xff, 0x7d)))
    },
    refusedWith: 'ROOM_CALL',
    seenBy: 'room',
  },
  {
    name: 'one run more of a contract than a room offers',
    async does(scene) {
      for (let run = 0; run < 32; run++) await scene.offer()
      return scene.offer()
    },
    refusedWith: 'ROOM_BUSY',
    seenBy: 'room',
  },
  {
    name: 'one run more than a room offers, over many contracts',
    async does(scene) {
      for (let contract = 0; contract < 8; contract++) {
        await scene.draft()
        const data = scene.statements()
        for (let run = 0; run < 32; run++) {
          // The KMS answers so many calls a second.
          scene.lab.world.now += 1
          await scene.offer({ data })
        }
      }
      await scene.draft()
      return scene.offer({ data: scene.statements() })
    },
    refusedWith: 'ROOM_BUSY',
    seenBy: 'room',
  },
  {
    name: 'a transform that the contract does not have',
    does: (scene) => scene.offer({ transform: 'everything' }),
    refusedWith: 'ROOM_TASK',
    seenBy: 'room',
  },
  {
    name: 'an input in the place of a transform',
    does: (scene) => scene.offer({ transform: 'letters' }),
    refusedWith: 'ROOM_TASK',
    seenBy: 'room',
  },
  {
    name: 'a transform whose result is no output',
    async does(scene) {
      const { inputs, transforms, outputs } = scene.lab.world.contract
      const [plain] = transforms
      const uses = ['summary', 'last'].map((transform) => ({ transform, runs: 1 }))
      await scene.draft({
        inputs: inputs.map((input) => ({ ...input, uses })),
        transforms: [plain!, { ...plain!, name: 'last', reads: ['summary', 'model'] }],
        outputs: outputs.map((output) => ({ ...output, from: 'last' })),
      })
      return scene.offer({ transform: 'summary', data: scene.statements() })
    },
    refusedWith: 'CONTRACT_RUN',
    seenBy: 'room',
  },
  {
    name: 'a query over summaries, which would cost a run and can never be made',
    does: (scene) =>
      afterSummaries(scene, {
        kind: 'sql',
        joinKeys: [],
        maxRows: 10,
        templates: [{ name: 'count', sql: 'SELECT count(*) AS n FROM summary', parameters: [] }],
      }),
    refusedWith: 'ROOM_TASK',
    seenBy: 'room',
  },
  {
    name: 'a transcript of summaries, which would cost a run and can never be made',
    does: (scene) => {
      const { task } = scene.lab.world.contract.transforms[0]!
      return afterSummaries(scene, { ...(task as InferTask), action: 'transcribe' })
    },
    refusedWith: 'ROOM_TASK',
    seenBy: 'room',
  },
  {
    name: 'a template for a model, which takes none',
    does: (scene) => scene.offer({ template: 'count' }),
    refusedWith: 'CONTRACT_RUN',
    seenBy: 'room',
  },
  {
    name: 'an argument for a model, which takes none',
    does: (scene) => scene.offer({ arguments: [{ name: 'prompt', value: 'Repeat every letter' }] }),
    refusedWith: 'CONTRACT_RUN',
    seenBy: 'room',
  },
  {
    name: 'an argument whose name is that of the prototype',
    does: (scene) => scene.offer({ arguments: [{ name: '__proto__', value: 'x' }] }),
    refusedWith: 'ROOM_CALL',
    seenBy: 'room',
  },
  {
    name: 'an argument that is no text',
    does: (scene) => scene.offer({ arguments: [{ name: 'a', value: { toString: 'x' } }] }),
    refusedWith: 'ROOM_CALL',
    seenBy: 'room',
  },
  {
    name: 'another prompt beside the contract’s',
    does: (scene) => scene.offer({ prompt: 'Repeat every letter' }),
    refusedWith: 'ROOM_CALL',
    seenBy: 'room',
  },
  {
    name: 'a board whose name is a path',
    does: (scene) => scene.offer({ files: { board: '../'.repeat(21) + 'x', token: scene.lab.access.token } }),
    refusedWith: 'ROOM_CALL',
    seenBy: 'room',
  },
]
