import { concat, utf8 } from '@sotto/protocol/bytes'
import { runDigest } from '@sotto/protocol/contract'
import { itemHeader } from '@sotto/protocol/room'
import { expect } from 'vitest'
import { BANK, SHOP } from '../../../packages/kms/test/contracts/room-world.ts'
import { fixtureModel, sealedModel } from '../support/models.ts'
import { itemsOf, sealed } from '../support/sealed-data.ts'
import type { RoomAttack } from './support/attack.ts'
import { partOf } from './support/board-server.ts'
import { LETTERS } from './support/canaries.ts'
import { MODEL, RoomScene } from './support/room-scene.ts'

const modelContent = concat(...MODEL.files)
const modelManifest = { items: MODEL.files.length, model: JSON.stringify(MODEL.manifest) }
const two = { items: LETTERS.length }

/** Data that is not what it was when parties signed, or not what its owner says. */
export const DATA_ATTACKS: readonly RoomAttack[] = [
  {
    name: 'the board gives another sealed file of the same owner',
    async does(scene) {
      const { file } = await RoomScene.letter()
      scene.board.files.set(scene.good['letters']!.digest, file)
      return scene.run()
    },
    refusedWith: 'ROOM_FILES',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'the owner swaps its letters after everybody consented',
    async does(scene) {
      const offered = await scene.offer()
      const consents = scene.lab.consents(offered)
      await scene.add('letters', await RoomScene.letter())
      await scene.lab.begin(offered, consents)
      return scene.lab.settled((await scene.lab.look(runOf(offered))).run)
    },
    refusedWith: 'ROOM_KMS data-statement',
    seenBy: 'kms',
  },
  {
    name: 'a run reads the version that its owner replaced',
    async does(scene) {
      const old = scene.lab.envelopes.get('letters')!
      await scene.add('letters', await RoomScene.letter())
      scene.lab.envelopes.set('letters', old)
      return scene.run()
    },
    refusedWith: 'ROOM_KMS data-statement',
    seenBy: 'kms',
  },
  {
    name: 'the owner states the artifact of another owner as its own',
    async does(scene) {
      await scene.state('letters', scene.good['model']!)
    },
    refusedWith: 'KMS_CONTRACT_DATA',
    seenBy: 'kms',
  },
  {
    name: 'the owner states an artifact whose key it never gave',
    async does(scene) {
      await scene.state('letters', await RoomScene.letter())
    },
    refusedWith: 'KMS_CONTRACT_DATA',
    seenBy: 'kms',
  },
  {
    name: 'a statement of an earlier version takes the place of a later one',
    async does(scene) {
      await scene.add('letters', await RoomScene.letter())
      await scene.state('letters', scene.good['letters']!, { version: 1 })
    },
    refusedWith: 'KMS_CONTRACT_DATA',
    seenBy: 'kms',
  },
  {
    name: 'another party states the letters of the owner',
    async does(scene) {
      const forged = scene.statement('letters', scene.good['letters']!, {}, SHOP)
      return scene.offer({ data: [forged, scene.lab.envelopes.get('model')] })
    },
    refusedWith: 'CONTRACT_SIGNATURE',
    seenBy: 'room',
  },
  {
    name: 'a run leaves out the statement of one input',
    does: (scene) => scene.offer({ data: [scene.lab.envelopes.get('model')] }),
    refusedWith: 'ROOM_CALL',
    seenBy: 'room',
  },
  {
    name: 'a run reads one input in the place of another',
    does: (scene) =>
      scene.offer({ data: [scene.lab.envelopes.get('model'), scene.lab.envelopes.get('letters')] }),
    refusedWith: 'ROOM_CALL',
    seenBy: 'room',
  },
  {
    name: 'an input that is larger than any room takes',
    does(scene) {
      const letters = scene.statement('letters', scene.good['letters']!, { bytes: 2 ** 40 })
      return scene.offer({ data: [letters, scene.lab.envelopes.get('model')] })
    },
    refusedWith: 'ROOM_INPUT_TOO_LARGE',
    seenBy: 'room',
  },
  {
    name: 'a recording is stated where the contract says text',
    async does(scene) {
      await scene.add('letters', await sealed('audio', 'audio', itemsOf(LETTERS), two))
      return scene.run()
    },
    refusedWith: 'ROOM_INPUT',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'the manifest lies about the digest of its content',
    async does(scene) {
      await scene.add(
        'letters',
        await sealed('text', 'text', itemsOf(LETTERS), { ...two, sha256: '11'.repeat(32) }),
      )
      return scene.run()
    },
    refusedWith: 'ROOM_INPUT',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'the manifest lies about the bytes of its content',
    async does(scene) {
      await scene.add('letters', await sealed('text', 'text', itemsOf(LETTERS), { ...two, bytes: 7 }))
      return scene.run()
    },
    refusedWith: 'ROOM_INPUT',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'the manifest hides an item',
    async does(scene) {
      await scene.add('letters', await sealed('text', 'text', itemsOf(LETTERS), { items: 1 }))
      return scene.run()
    },
    refusedWith: 'ROOM_DATA',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'the manifest promises a million items',
    async does(scene) {
      await scene.add('letters', await sealed('text', 'text', itemsOf(LETTERS), { items: 1_000_000 }))
      return scene.run()
    },
    refusedWith: 'ROOM_DATA',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'an item that is longer than all content',
    async does(scene) {
      const content = concat(itemHeader(2 ** 30), utf8('short'))
      await scene.add('letters', await sealed('text', 'text', content))
      return scene.run()
    },
    refusedWith: 'ROOM_DATA',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'an item of four gibibytes, by its length alone',
    async does(scene) {
      const content = concat(itemHeader(2 ** 32 - 1), utf8('short'))
      await scene.add('letters', await sealed('text', 'text', content))
      return scene.run()
    },
    refusedWith: 'ROOM_DATA',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'a letter that is no UTF-8',
    async does(scene) {
      await scene.add('letters', await RoomScene.letter(Uint8Array.of(0xc3, 0x28, 0xff)))
      return scene.run()
    },
    refusedWith: 'ROOM_INPUT',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'the owner states another content than it sealed',
    async does(scene) {
      await scene.add('letters', await RoomScene.letter(), { content: '22'.repeat(32) })
      return scene.run()
    },
    refusedWith: 'ROOM_INPUT',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'the sealed file has another digest than its owner stated',
    async does(scene) {
      const data = await RoomScene.letter()
      await scene.add('letters', data, { sealed: '33'.repeat(32) })
      scene.board.files.set('33'.repeat(32), data.file)
      return scene.run()
    },
    refusedWith: 'ROOM_INPUT',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'one bit of the sealed file is another on the board',
    async does(scene) {
      const { digest, file } = scene.good['letters']!
      const changed = Uint8Array.from(file)
      changed[changed.length - 20]! ^= 1
      scene.board.files.set(digest, changed)
      return scene.run()
    },
    refusedWith: 'SEALED_TAMPERED',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'the board cuts the sealed file off',
    async does(scene) {
      const { digest, file } = scene.good['letters']!
      scene.board.files.set(digest, file.slice(0, file.length - 40))
      return scene.run()
    },
    refusedWith: 'ROOM_FILES',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'the owner states a longer file than it sealed, with more behind it',
    async does(scene) {
      const data = await RoomScene.letter()
      const longer = { ...data, file: concat(data.file, utf8('and more')) }
      await scene.add('letters', longer)
      return scene.run()
    },
    refusedWith: 'ROOM_INPUT',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'the board gives another file of the same length',
    async does(scene) {
      const { digest, file } = scene.good['letters']!
      const other = await sealed('text', 'text', itemsOf(LETTERS), two)
      scene.board.files.set(digest, other.file)
      expect(other.file).toHaveLength(file.length)
      return scene.run()
    },
    refusedWith: 'SEALED_KEY',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'the board answers more than it was asked for',
    does(scene) {
      scene.board.lie = (_, digest) =>
        partOf(concat(scene.board.files.get(digest)!, new Uint8Array(100)), { start: 0, length: 2 ** 30 })
      return scene.run()
    },
    refusedWith: 'ROOM_FILES',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'the board answers nothing at all, and says that it is a part',
    does(scene) {
      scene.board.lie = () => new Response(null, { status: 206 })
      return scene.run()
    },
    refusedWith: 'ROOM_FILES',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'the key at the KMS is another than the file was sealed with',
    async does(scene) {
      const data = await RoomScene.letter()
      await scene.add('letters', { ...data, contentKey: new Uint8Array(32).fill(9) })
      return scene.run()
    },
    refusedWith: 'SEALED_KEY',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'the board has no such file, and says so only once the keys are out',
    async does(scene) {
      scene.board.files.delete(scene.good['letters']!.digest)
      return scene.run()
    },
    refusedWith: 'ROOM_FILES',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'a model with other weights under the manifest that the contract pins',
    async does(scene) {
      const changed = modelContent.slice()
      changed[changed.length - 1]! ^= 1
      await scene.add('model', await sealed('model', 'model', changed, modelManifest))
      return scene.run()
    },
    refusedWith: 'ENGINE_MODEL_INVALID',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'a model with more bytes behind its weights',
    async does(scene) {
      const longer = concat(modelContent, utf8('payload'))
      await scene.add('model', await sealed('model', 'model', longer, modelManifest))
      return scene.run()
    },
    refusedWith: 'ROOM_INPUT',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'another model with a genuine manifest of its own',
    async does(scene) {
      await scene.add('model', await sealedModel(fixtureModel('t5', 'seq2seq', 'summarization')))
      return scene.run()
    },
    refusedWith: 'ROOM_INPUT',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'a model without a manifest',
    async does(scene) {
      const bare = await sealed('model', 'model', modelContent, { items: 1 })
      await scene.add('model', bare)
      return scene.run()
    },
    refusedWith: 'ROOM_DATA',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'the same sealed file under another contract of the same parties',
    async does(scene) {
      const { world } = scene.lab
      const again = { ...world.contract, salt: 'A'.repeat(43) }
      world.use(again)
      for (const party of ['bank', 'shop']) await world.ok(world.accept(party))
      await scene.state('letters', scene.good['letters']!)
    },
    refusedWith: 'KMS_CONTRACT_DATA',
    seenBy: 'kms',
  },
  {
    name: 'other content than the one that the parties agreed on, at the KMS',
    async does(scene) {
      const { world } = scene.lab
      agreeOn(scene)
      for (const party of ['bank', 'shop']) await world.ok(world.accept(party))
      const other = await RoomScene.letter()
      await world.kms.importArtifact(
        other.id,
        world.artifactImport(other.id, other.contentKey, { contract: world.digest }, BANK),
      )
      await scene.state('letters', other)
    },
    refusedWith: 'KMS_CONTRACT_DATA',
    seenBy: 'kms',
  },
  {
    name: 'other content than the one that the parties agreed on, at the room',
    async does(scene) {
      agreeOn(scene)
      const letters = scene.statement('letters', await RoomScene.letter())
      return scene.offer({ data: [letters, scene.statement('model', scene.good['model']!)] })
    },
    refusedWith: 'CONTRACT_RUN',
    seenBy: 'room',
  },
]

/** A contract that names the content of the honest letters. */
function agreeOn({ lab: { world }, good }: RoomScene): void {
  const { content } = good['letters']!
  const inputs = world.contract.inputs.map((input) =>
    input.name === 'letters' ? { ...input, content } : input,
  )
  world.use({ ...world.contract, inputs })
}

function runOf({ offer }: { offer: Parameters<typeof runDigest>[0] }): string {
  return runDigest(offer)
}
