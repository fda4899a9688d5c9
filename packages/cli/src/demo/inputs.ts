import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What the demo sends, bundled with the product. */
export interface DemoInputs {
  recording: Uint8Array
  /** What was said in it. */
  reference: string
  letter: string
  messages: { role: string; content: string }[]
  /** Mean word error rate of the default speech model, from its card. */
  cardWer: number
}

/** Reads the bundled inputs. */
export async function readDemoInputs(models: string): Promise<DemoInputs> {
  const demo = join(models, 'demo')
  const [recording, reference, letter, chat, quality] = await Promise.all([
    readFile(join(demo, 'session-note.wav')),
    readFile(join(demo, 'session-note.txt'), 'utf8'),
    readFile(join(demo, 'letter.txt'), 'utf8'),
    readFile(join(demo, 'chat.json'), 'utf8'),
    readFile(join(models, 'sotto-ctc-synthetic-en', 'quality.json'), 'utf8'),
  ])
  const { syntheticWer } = JSON.parse(quality) as { syntheticWer: number }
  const { messages } = JSON.parse(chat) as Pick<DemoInputs, 'messages'>
  return { recording, reference: reference.trim(), letter, messages, cardWer: syntheticWer }
}
