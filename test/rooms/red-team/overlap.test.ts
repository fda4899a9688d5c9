import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Contract } from '@sotto/protocol/contract'
import { describe, expect, it } from 'vitest'
import { claim } from '../../claims.ts'
import { ownModel, sealedModel } from '../support/models.ts'
import { itemsOf, sealed } from '../support/sealed-data.ts'
import { OVERLAP_ATTACKS, WORD_ATTACKS } from './overlap.attacks.ts'
import { outcomeOf, runAttacks } from './support/attack.ts'
import { lettersContract, MODEL, RoomScene } from './support/room-scene.ts'

describe(claim('rooms.rules', 'a passage in disguise'), () => {
  it.each(OVERLAP_ATTACKS.map((attack) => [attack.name, attack] as const))('%s', async (_, attack) => {
    const { refusal, words } = await outcomeOf(() => attack.does(undefined))
    expect(refusal).toBe(attack.refusedWith)
    expect(words).not.toMatch(/Fischer|Hafen/i)
  })
})

const RECORDING = new Uint8Array(
  readFileSync(join(import.meta.dirname, '../../../models/demo/session-note.wav')),
)
const LISTENER = ownModel('sotto-ctc-synthetic-en')

/** A letter, and a recording that is written down and summarised with it: of neither more than two words at a time. */
function wordsContract(contract: Contract): Partial<Contract> {
  const plain = lettersContract(contract)
  const [letters, model] = plain.inputs!
  const [summary] = plain.transforms!
  const rules = { ...letters!.rules, maxCommonWords: 2 }
  const uses = ['summary', 'transcript', 'heard'].map((transform) => ({ transform, runs: 10 }))
  const transcribe = {
    kind: 'infer',
    action: 'transcribe',
    model: 'listener',
    digest: LISTENER.manifest.digest,
  } as const
  return {
    ...plain,
    inputs: [
      { ...letters!, uses, rules },
      { name: 'recording', owner: 'bank', kind: 'audio', uses, rules },
      { ...model!, uses },
      { ...model!, name: 'listener', uses },
    ],
    transforms: [
      summary!,
      {
        name: 'transcript',
        reads: ['recording', 'listener'],
        room: summary!.room,
        task: { ...transcribe, settings: {} },
      },
      { ...summary!, name: 'heard', reads: ['transcript', 'model'] },
    ],
    outputs: ['summary', 'heard'].map((from) => ({ ...plain.outputs![0]!, name: `of-${from}`, from })),
  }
}

runAttacks(claim('rooms.rules', 'words of a letter or a recording'), WORD_ATTACKS, async () =>
  RoomScene.of(wordsContract, {
    letters: await sealed('text', 'text', itemsOf(['The pilots of the harbour went out again on Monday.'])),
    recording: await sealed('audio', 'audio', itemsOf([RECORDING])),
    model: await sealedModel(MODEL),
    listener: await sealedModel(LISTENER),
  }),
)
