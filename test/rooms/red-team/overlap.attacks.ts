import { type Contract, encodeContract } from '@sotto/protocol/contract'
import { textOf } from '../../../packages/enclave/src/room/results.ts'
import { requireOverlap } from '../../../packages/enclave/src/room/overlap/require-overlap.ts'
import type { Attack, RoomAttack } from './support/attack.ts'
import type { RoomScene } from './support/room-scene.ts'

const LETTER = 'Straße am Hafen: der Fischer floss 54 finstere Fäden ab, οδος νομος, und ging heim.'
const MOST = 4

/** What a model of another party could answer, of a text of which nobody may repeat more than four words. */
function answered(...texts: string[]): Promise<number> {
  const result = { kind: 'texts', texts } as const
  return Promise.resolve().then(() => requireOverlap(textOf(result), [LETTER], MOST))
}

/** Every letter of a text followed by a sign. */
const after = (sign: string): string =>
  [...LETTER].map((letter) => (/\p{L}/u.test(letter) ? letter + sign : letter)).join('')

const fullWidth = LETTER.replaceAll(/[!-~]/g, (letter) =>
  String.fromCodePoint(letter.codePointAt(0)! + 0xfee0),
)
const mathematical = LETTER.replaceAll(/[a-z]/g, (letter) =>
  String.fromCodePoint(letter.codePointAt(0)! - 'a'.codePointAt(0)! + 0x1d41a),
)
const circled = LETTER.replaceAll(/[a-z]/g, (letter) =>
  String.fromCodePoint(letter.codePointAt(0)! - 'a'.codePointAt(0)! + 0x24d0),
)

const DISGUISES: readonly (readonly [name: string, ...texts: string[]])[] = [
  ['as it stands', LETTER],
  ['in capitals', LETTER.toUpperCase()],
  ['in small letters, with SS for ß', LETTER.toLowerCase().replaceAll('ß', 'ss')],
  ['with the capital of ß', LETTER.replaceAll('ß', 'ẞ')],
  ['with one form of sigma for the other', LETTER.replaceAll('ς', 'σ')],
  ['with other punctuation', LETTER.replaceAll(/[ ,:.]+/g, ' — ')],
  ['with a line for each word', LETTER.replaceAll(/ +/g, '\r\n')],
  ['with no-break spaces', LETTER.replaceAll(' ', '\u{a0}')],
  ['with zero-width spaces in words', after('\u{200b}')],
  ['with soft hyphens in words', after('\u{ad}')],
  ['with word joiners in words', after('\u{2060}')],
  ['with marks of direction in words', after('\u{202e}')],
  ['with combining marks on every letter', after('\u{338}')],
  ['with variation selectors after every letter', after('\u{fe0f}')],
  ['with tags that no font shows', after('\u{e0041}')],
  ['with Hangul fillers in words', after('\u{3164}')],
  ['with half-width Hangul fillers in words', after('\u{ffa0}')],
  ['with Mongolian separators in words', after('\u{180e}')],
  ['with control characters in words', after('\u{7}')],
  ['in full-width letters', fullWidth],
  ['in mathematical letters', mathematical],
  ['in circled letters', circled],
  ['with ligatures', LETTER.replaceAll('fi', 'ﬁ').replaceAll('fl', 'ﬂ').replaceAll('Fi', 'Ｆi')],
  ['without accents', LETTER.replaceAll('ä', 'a')],
  ['with accents as marks of their own', LETTER.normalize('NFD')],
  ['in two items, one beginning where the other ends', 'Straße am Hafen der', 'Fischer floss nicht'],
  ['a word in each item', ...LETTER.split(' ')],
  ['in the midst of other words', `Er sagte ${LETTER} und schwieg.`],
]

/** Passages of a text that somebody would let out in disguise. */
export const OVERLAP_ATTACKS: readonly Attack<undefined>[] = [
  ...DISGUISES.map(([name, ...texts]) => ({
    name: `a passage ${name}`,
    does: () => answered(...texts),
    refusedWith: 'ROOM_OVERLAP',
    seenBy: 'run' as const,
  })),
  {
    name: 'vectors of a text of which nobody may repeat a passage',
    async does() {
      return requireOverlap(textOf({ kind: 'vectors', vectors: [new Float32Array(8)] }), [LETTER], MOST)
    },
    refusedWith: 'ROOM_OVERLAP',
    seenBy: 'run',
  },
  {
    name: 'bytes that are no text, of a text of which nobody may repeat a passage',
    async does() {
      return requireOverlap(textOf({ kind: 'bytes', bytes: Uint8Array.of(0xc3, 0x28) }), [LETTER], MOST)
    },
    refusedWith: 'ROOM_OVERLAP',
    seenBy: 'run',
  },
  {
    name: 'a passage behind more text than anybody compares',
    async does() {
      const bytes = Buffer.from(`${'a '.repeat(1_000_001)}${LETTER}`)
      return requireOverlap(textOf({ kind: 'bytes', bytes }), [LETTER], MOST)
    },
    refusedWith: 'ROOM_OUTPUT',
    seenBy: 'run',
  },
]

/** The same with a real model, which takes sentences as they stand. */
export const WORD_ATTACKS: readonly RoomAttack[] = [
  {
    name: 'a summary that is the letter itself',
    does: (scene) => scene.run({ transform: 'summary', data: statementsOf(scene, 'letters', 'model') }),
    refusedWith: 'ROOM_OVERLAP max-common-words',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'a summary of a recording, which repeats its words',
    does: (scene) =>
      scene.run({ transform: 'heard', data: statementsOf(scene, 'recording', 'model', 'listener') }),
    refusedWith: 'ROOM_OVERLAP max-common-words',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'the transcript of a recording is asked for by itself',
    does: (scene) =>
      scene.offer({ transform: 'transcript', data: statementsOf(scene, 'recording', 'listener') }),
    refusedWith: 'CONTRACT_RUN',
    seenBy: 'room',
  },
  {
    name: 'a contract that lets a transcript out, of which only passages may leave',
    does(scene) {
      const { contract } = scene.lab.world
      const outputs = contract.outputs.map((output) => ({ ...output, from: 'transcript' }))
      return scene.offer({ contract: Buffer.from(encodeContract({ ...contract, outputs })).toString() })
    },
    refusedWith: 'CONTRACT_MALFORMED',
    seenBy: 'room',
  },
  {
    name: 'a contract that embeds a recording, whose words nobody could count then',
    does(scene) {
      const { contract } = scene.lab.world
      const transforms = contract.transforms.map((transform) =>
        transform.name === 'transcript'
          ? { ...transform, task: { ...transform.task, action: 'embed' } }
          : transform,
      ) as Contract['transforms']
      return scene.offer({ contract: Buffer.from(encodeContract({ ...contract, transforms })).toString() })
    },
    refusedWith: 'CONTRACT_MALFORMED',
    seenBy: 'room',
  },
]

const statementsOf = ({ lab }: RoomScene, ...inputs: string[]): string[] =>
  inputs.map((input) => lab.envelopes.get(input)!)
